const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/).filter(Boolean))

/** Common given names of people whose pages are in Latin script, in lower case. */
export const GIVEN_NAMES: ReadonlySet<string> = words(`
  aaron abby abdul abigail abraham ada adam adele adrian adriana agnes ahmed aidan aileen aimee
  alain alan alana albert alberto alec alejandra alejandro aleksander alessandra alessandro alex
  alexander alexandra alexandre alexis alfred alfredo ali alice alicia alison alistair allan allen
  allison alma alvin alyssa amanda amber amelia amit amy ana anders andre andrea andreas andreea
  andres andrew andrzej andy angel angela angelica angelina angelo angie anil anita anja anjali
  ann anna annabel anne annette annie anthony antoine anton antonio anya archie ariel arjun arlene
  arnold arthur arturo arun arvin ashish ashley ashok astrid audrey august aurelie avery axel
  ayesha barbara barry beatrice becky belinda ben benedict benjamin benoit bernadette bernard
  bernd bernie bert bertha beth bethany betsy betty beverly bianca bill billy bjorn bob bobby
  bonnie boris brad bradley brandi brandon brandy breanna brenda brendan brent bret brett brian
  briana brianna bridget brigitte brittany brooke bruce bruno bryan bryant bryce bryn byron
  caitlin caleb calvin cameron camilla camille candace candice cara carey carina carl carla carlo
  carlos carly carmen carol carole caroline carolyn carrie carsten carter casey cassandra catalina
  catherine cathleen cathy cecil cecilia cecile cedric celeste celia cesar chandra chantal
  charlene charles charlie chelsea cheryl chloe chris christa christian christiane christina
  christine christoph christophe christopher christy chuck cindy claire clara clarence claude
  claudia claudio clay clayton clement cliff clifford clint clinton clyde cody colette colin
  colleen connie connor conrad constance cora corey corinne cory courtney craig cristian cristina
  crystal curt curtis cynthia cyril daisy dale damian damien damon dan dana daniel daniela daniele
  danielle danny darius darla darlene darrell darren darryl daryl dave david dawn deanna deb
  debbie deborah debra deepak deirdre delia delores denis denise dennis derek dermot desmond devin
  diana diane dianne dick didier diego dieter dimitri dinesh dirk dolores dominic dominik
  dominique don donald donna doreen doris dorothy doug douglas duane duncan dustin dwayne dwight
  dylan earl ed eddie edgar edith edmund eduardo edward edwin eileen elaine eleanor elena eli
  elias elijah elisa elisabeth elise elizabeth ella ellen elliot elliott elmer elsa elsie emanuel
  emil emilia emilie emilio emily emma emmanuel enrique eric erica erich erik erika erin ernest
  ernesto ernst ervin esteban estelle esther ethan etienne eugene eugenia eva evan eve evelyn
  fabian fabio fatima federico felicia felipe felix fernando fiona florian floyd fran frances
  francesca francesco francis francisco franco francois frank frankie franklin franz fred freda
  freddie frederic frederick friedrich fritz gabriel gabriela gabriele gabrielle gail gareth
  garrett gary gavin gayle gene genevieve geoff geoffrey george georges gerald geraldine gerard
  gerhard gerry gert giles gillian gina giovanni giulia giuseppe gladys glen glenda glenn gloria
  gordon graeme graham greg gregg gregory greta gretchen guido guillaume guillermo gunnar gustav
  gustavo gwen gwendolyn hal hannah hans hans-peter harold harriet harry harvey hassan hazel
  heather hector heidi heinrich heinz helen helena helene helga henri henrik henry herbert herman
  hilary hilda holger howard hubert hugh hugo ian ibrahim ida ignacio igor imran inga ingrid irene
  iris irma irving irwin isaac isabel isabella isabelle ivan ivy jack jackie jacob jacqueline
  jacques jaime jake jakob jamal james jamie jan jana jane janet janice janine jared jasmine jason
  javier jay jayme jayne jean jean-pierre jeanette jeanne jeannie jeff jeffery jeffrey jen jenna
  jennie jennifer jenny jens jeremiah jeremy jerome jerry jess jesse jessica jessie jesus jill
  jillian jim jimmy jo joachim joan joann joanna joanne joao jocelyn jodi jody joe joel joerg
  johan johann johanna johannes john johnathan johnnie johnny jolene jon jonas jonathan jordi
  jorge jose josef joseph josephine josh joshua joy joyce juan juanita judith judy juergen jules
  julia julian juliana julie julien juliet julio julius juliette jurgen justin justine kai karen
  karin karina karl karla karsten kasia kat katarina kate katharina katherine kathleen kathryn
  kathy katie katrina kay kaye kayla keith ken kenneth kerry kerstin kevin kim kimberly kirk
  kirsten kirsty klaus knut konrad konstantin krista kristen kristi kristian kristin kristina
  kristine krzysztof kumar kurt kyle lakshmi lance larry lars laura lauren laurence laurent laurie
  lawrence leah leanne lee leigh len lena leo leon leona leonard leonardo leroy les lesley leslie
  lester leticia levi lewis liam lillian lily linda lindsay lindsey lisa liz liza lloyd logan lois
  lola lora loren lorena lorenzo loretta lori lorraine lou louis louisa louise luc luca lucas
  lucia luciano lucien lucille lucy ludwig luigi luis luisa luiz lukas luke luther lydia lyle
  lynda lynette lynn lynne mabel mack maddie madeline magdalena maggie mahmoud malcolm mandy
  manfred manuel manuela marc marcel marcela marcella marcia marco marcos marcus margaret
  margarita margie margot maria marian mariana marianne marie marilyn marina mario marion marissa
  marjorie mark marko markus marlene marsha marshall marta martha martin martina martine marty
  marvin mary maryann massimo mateo mathew mathias mathieu mathilde matt matteo matthew matthias
  matthieu maureen maurice mauro max maxim maxine megan meghan mehmet mel melanie melinda melissa
  melvin mercedes meredith mia michael michaela michal michel michele michelle mick miguel mikael
  mike mikhail mildred miles milton mina mindy miranda miriam misty mitch mitchell mohamed
  mohammad mohammed moira molly mona monica monika monique morgan morris moses muhammad muriel
  murray mustafa myra myriam myrtle nadia nadine nancy naomi natalia natalie natasha nathalie
  nathan nathaniel neal neil nelson nick nicholas nichole nicola nicolas nicole nigel niklas
  nikolai nina noah noel nora norbert noreen norma norman olaf oleg olga oliver olivia olivier
  omar orlando oscar otto owen pablo pam pamela paola paolo pascal pat patrice patricia patrick
  patsy patti patty paul paula pauline pavel pawel pedro peggy penelope penny per percy perry pete
  peter petra phil philip philipp philippa philippe phillip phyllis pierre pietro piotr polly
  prakash pramod priya rachael rachel rafael raffaele rahul rainer raj rajesh ralf ralph ramon
  randall randy raphael raquel raul ravi ray raymond rebecca regina reginald reinhard rene renata
  renate renee reuben rex rhonda ricardo riccardo richard rick ricky rita rob robert roberta
  roberto robin robyn rocio rod roderick rodney rodrigo roger roland rolf roman ron ronald ronan
  ronda ronnie rory rosa rosalie rosario rosemary rosie ross roxanne roy ruben rudolf rudy rufus
  rupert russ russell ruth ryan sabine sabrina sacha sadie sally salvador sam samantha sameer
  samuel sandeep sandra sandro sandy sanjay santiago sara sarah sasha saskia scott sean sebastian
  selena serena serge sergei sergey sergio seth shane shannon shari sharlyn sharon shaun shawn
  sheila shelby sheldon shelley shelly sheri sherri sherry sheryl shirley sid sidney siegfried
  sigrid silke silvia simon simone siobhan sofia sonia sonja sophia sophie spencer stacey stacy
  stan stanley stefan stefanie stefano stella stephan stephane stephanie stephen steve steven
  stewart stuart sue sunil suresh susan susana susanna susanne susie suzanne svein sven sylvia
  sylvie tamara tammy tanja tanya tara tatiana ted teresa teri terrance terrence terri terry thea
  thelma theodore theresa therese thierry thomas thorsten tiffany tim timo timothy tina tobias
  toby todd tom tomas tommy toni tony torsten tracey traci tracy travis trent trevor tricia trisha
  troy tyler udo ulrich ulrike ursula uwe valentina valerie vanessa vera vernon veronica veronika
  vicki vicky victor vijay vikram vincent vincenzo viola violet vivian vladimir wade wallace walt
  walter wanda warren wayne wendy werner wesley wilbur wilfred wilhelm willard william willie
  wilma winston wojciech wolfgang xavier yasmin yolanda yuri yusuf yves yvette yvonne zachary zack
  zoe zoltan zuzana
`)

/**
 * Given names that are words or places as well: believed only where something else speaks for
 * them.
 */
export const DOUBTFUL_NAMES: ReadonlySet<string> = words(`
  april art austin bay beau blake blanche brad chad chance charlotte chase chelsea china christian
  crystal dallas dawn dean destiny diamond drew earl eden faith florence forest frank gene georgia
  glen grace grant harmony heath holly hope houston hunter israel ivy jackson jade jasmine jesus
  jewel jordan joy june kent kingston lance laurel lincoln london lucky madison major mark mason
  may melody mercedes miles misty morgan nelson norman olive page paris parker pat patience paul
  pearl per penny phoenix ray regina reed rich river rob robin rose ruby sandy santiago savannah
  shelby sierra sky star sterling summer sunny sydney taylor tiffany violet virginia wade
  washington warren will windsor winston
`)
