/**
 * Bounds of contact extraction. What lies beyond a bound is not read; nothing throws because of
 * one.
 */
export const EXTRACT_BOUNDS = {
  /**
   * Open elements at once. The parser's stack costs time by its depth for every tag, so a page of
   * nothing but opening tags is read only this deep.
   */
  depthMax: 2_000,
  /** Characters handed to the parser at once. */
  chunkChars: 65_536,
  /** Characters of visible text that are read. */
  textCharsMax: 4_000_000,
  /** Characters of one script or JSON-LD block that are read. */
  scriptCharsMax: 1_000_000,
  /** Nodes of JSON-LD that are visited, and how deep they may lie. */
  jsonNodesMax: 20_000,
  jsonDepthMax: 32,
  /** Characters that a property of microdata or RDFa takes from the text. */
  propertyCharsMax: 2_000,
  /** Characters of a card's property; more is a paragraph that happens to have the class. */
  cardCharsMax: 160,
  /** Elements inside a card's property that are looked at. */
  propertyElementsMax: 64,
  /** Things of a page that are read for contacts. */
  thingsMax: 5_000,
  /** Characters of one value in a contact. */
  valueCharsMax: 320,
  /** Characters of a line that is read as a name, a role or a label. */
  nameCharsMax: 80,
  /** Contacts of one page. */
  contactsMax: 2_000,
  /** Digit groups that one telephone number may be written in. */
  digitGroupsMax: 9,
  /** Pieces of one page's text that are tried as telephone numbers. */
  numberTriesMax: 10_000,
} as const
