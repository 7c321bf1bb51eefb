const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/).filter(Boolean))

/** Words in no person's name: they name firms, places, pages and things to press. Lower case. */
export const NOT_IN_PERSON: ReadonlySet<string> = words(`
  a about academy access account accounting accounts across add address adobe advertising agency
  agent agreement air airport alabama alaska all allied america american an and animal annual app
  apple apply approach april area arizona arkansas art article arts as ask assistance associates
  association at august automotive avenue ave award awards back bakery bank bar basket bay beach
  beauty bed best better blog blue board body book books boulevard blvd box brand bridge british
  building business but buy by cafe cafeteria calendar california call campus canada capital car
  card care careers cart case casino castle cathedral center central centre certified chamber
  charity chat check checkout cheese children church cinema city class classic cleaning clear
  clerk click clinic close club co coast code collection college colorado comments commission
  committee community company complete computer conditions conference connecticut connect
  construction consulting contact contacts content continue control cookie cookies copy copyright
  corp corporate corporation council county course court cream creative credit current custom
  customer daily dance data day days deals december delaware delivery dental department design
  designs development digital direct directions director directors directory disclaimer district
  do doctor dog download drive east easy edit editor education electric email emergency
  engineering england english enjoy enquiries enter enterprise enterprises equipment estate europe
  european event events every exchange executive expert experts explore express facebook facility
  fair family faq farm fashion fast fax february feedback festival file finance financial find
  fire first fitness florida flowers follow food for forest form forms forum forward foundation
  france free friday friend friends from front fund furniture gallery game games garden gardens
  garage general georgia german germany get gift gifts global go gold golf good google government
  grand great group guest guide guides hall happy harbor hawaii head headquarters health healthy
  help here hide high highway hills history holiday home homepage homes hospital hot hotel hour
  hours house how human ice idaho ideas if illinois image images in inc included income
  independent index india indiana industrial industries industry info information inn inside
  insider instagram institute insurance interior international internet investment investor
  investors iowa is island it items january job jobs join journal july june junior kansas kentucky
  kids kitchen lab labs land lane language large last latest law learn learning legal less letter
  library life light limited line link linkedin links list live llc llp local location locations
  log login london louisiana ltd luxury made mail main maine management maintenance make man
  management manager map maps march market marketing maryland massachusetts master may media
  medical meet member members membership memorial men menu message mexico michigan middle ministry
  minnesota mississippi missouri mobile modern monday montana month more morning mortgage motor
  motors mountain movie movies museum music my name national natural nebraska need net network
  nevada new news newsletter next night no none north northern not notice november now number
  october of off office offices official ohio oil oklahoma old on one online only open opening
  operations opportunities option or order orders oregon our outdoor outdoors over overview
  pacific page paint palace paper parents park parking part partner partners partnership parts
  party password path patient patients pay payment pennsylvania people pet pets pharmacy phone
  photo photos pin pizza place plan plans planning plant play plaza please plumbing plus point
  policy pool popular portal portfolio post power practice premier premium president press pricing
  print privacy private pro product production products professional professor profile program
  programs project projects properties property public quality questions quick quote rd read real
  recent record records red register registration regional related release rental rentals report
  request research reservations reserved resort resource resources restaurant restaurants results
  return returns review reviews rhode rights river road room rooms royal safety sale sales salon
  san santa saturday save savings school schools science search season section security see select
  self send senior september series server service services set settings shadow share ship
  shipping shop shopping show shows sign sister site sitemap skip small social society software
  solution solutions south southern spa special specials sport sports spring square st staff
  standard start state states station status store stories story street student students studio
  style subject submit subscribe suite summer sunday support supply surgery system systems table
  tax tea team technical technologies technology telephone tennessee term terms test testimonials
  texas thanks that the theater theatre then these this thursday ticket tickets time times tips to
  today toll tools top total tour tours town toy trade training transport travel treatment trust
  tuesday twitter type union united university unlimited up updated upload us usa used user utah
  vacation valley value van vehicle vermont version video videos view village vision visit visitor
  visitors volunteer wales wall washington water way we web website wedding wednesday week weekly
  welcome wellness western what when where who why wide wild wine winter wisconsin with women work
  works world wyoming yahoo year years yes york you your youtube zone zoo
`)

/** Words that a role is made of. Lower case. */
export const ROLE_WORDS: ReadonlySet<string> = words(`
  accountant actor administrator administrative administration advisor adviser agent ambassador
  analyst architect artist assistant associate attorney auditor author baker broker buyer captain
  caretaker cashier ceo cfo chair chairman chairperson chairwoman chancellor chef chief cio clerk
  cmo co-founder co-owner coach commander commissioner consultant controller coo coordinator
  co-ordinator counsel counselor counsellor curator cto dean dentist deputy designer developer
  director doctor driver editor educator electrician engineer estimator executive facilitator
  faculty foreman founder geschäftsführer geschäftsführerin gardener gérant head hygienist
  illustrator inhaber inhaberin inspector instructor intern investigator journalist judge lawyer
  leader lecturer leiter leiterin librarian manager managing marketer mayor mechanic member nurse
  officer operator optometrist organiser organizer orthodontist owner paralegal partner pastor
  pharmacist photographer physician physiotherapist planner plumber practitioner presenter
  president priest principal producer professor programmer proprietor psychologist publisher
  realtor receptionist recruiter registrar representative reporter researcher salesman scientist
  secretary sheriff specialist spokesman spokesperson spokeswoman strategist stylist
  superintendent supervisor surgeon teacher technician therapist trainer treasurer trustee tutor
  underwriter veterinarian vet vice vicar vorstand vp webmaster writer
`)
