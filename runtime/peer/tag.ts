// The first byte of every encoded value says what it is, and of the commonest values also which: the encoder writes it, the
// decoder turns on it.
//
//   00..3f  the integers 0..63          80..9f  text of 0..31 bytes       b0..bf  the integers -1..-16
//   40..7f  an object of shape 0..63    a0..af  an array of 0..15 values  c0..d5  below

export const Tag = {
  smallShape: 0x40,
  smallText: 0x80,
  smallArray: 0xa0,
  smallNegative: 0xb0,
  null: 0xc0,
  undefined: 0xc1,
  false: 0xc2,
  true: 0xc3,
  /** varint n */
  positive: 0xc4,
  /** varint -1 - n */
  negative: 0xc5,
  /** f64 */
  float: 0xc6,
  /** utf8 */
  text: 0xc7,
  /** varint count, values */
  array: 0xc8,
  /** varint number, the values of its keys except a numbered `type` */
  shape: 0xc9,
  /** u8 keys * 2 + (1 with a type), keys, type, then as `shape`; takes the next number */
  defineShape: 0xca,
  /** varint number */
  ref: 0xcb,
  /** utf8 address; takes the next number */
  defineRef: 0xcc,
  /** utf8 address */
  fullRef: 0xcd,
  /** varint length, MessagePack with holes, varint count of holes, their values in order */
  packed: 0xce,
  /** u8 kind (see `views`), varint length, bytes */
  bytes: 0xcf,
  /** f64 milliseconds since 1970 */
  date: 0xd0,
  /** varint bytes * 2 + (1 when negative), magnitude with the highest byte first */
  bigint: 0xd1,
  /** varint count, keys and values in turn */
  map: 0xd2,
  /** varint count, values */
  set: 0xd3,
  /** utf8 name, utf8 message, value of `code` */
  error: 0xd4,
  /** The address to answer to, of the question that this message is */
  replyTo: 0xd5
} as const
