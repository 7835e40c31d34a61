// Faults of one line each that the simulator must find: `npm run simulate -- --plant all` puts them into the sources one at a
// time, as they are loaded, and prints the seed that caught each. A simulator that cannot fail proves nothing.

const association = 'runtime/peer/association.ts'
const announcements = 'runtime/cluster/announcements.ts'
const names = 'runtime/cluster/registry-names.ts'

export const plants = [
  {
    name: 'a stale first frame opens a new epoch',
    edits: [{ file: association, find: 'if (head.epoch <= this.#ended || (epoch', put: 'if ((epoch' }]
  },
  {
    name: 'ack before the mailbox has it',
    edits: [{ file: association, find: 'told.ack = epoch.disposed', put: 'told.ack = epoch.received' }]
  },
  {
    name: 'stopped overtakes the last message',
    edits: [
      {
        file: 'runtime/peer/outbox.ts',
        find: 'const buffer = this.#open()\n      const start = buffer.at\n      write(buffer)\n      this.#close(buffer, start, 0)',
        put: 'const buffer = new ByteBuffer(64)\n      write(buffer)\n      this.#push(buffer.bytes, buffer.at, 0)'
      }
    ]
  },
  {
    name: 'a repeat is accepted after a path change',
    edits: [{ file: association, find: 'if (seq <= epoch.received) {', put: 'if (seq < epoch.received) {' }]
  },
  {
    name: 'a frame lost in a relay is sent again by nobody',
    edits: [
      {
        file: association,
        find: 'if (from < epoch.cursor) epoch.cursor = from',
        put: 'if (from < 0) epoch.cursor = from'
      }
    ]
  },
  {
    name: 'credit is lost with a cut',
    edits: [
      { file: association, find: 'if (credit > epoch.granted) epoch.granted = credit', put: 'epoch.granted += credit' },
      {
        file: association,
        find: 'told.credit = Math.max(told.credit, epoch.consumed + this.#options.window)',
        put: 'const grant = Math.max(0, epoch.consumed + this.#options.window - told.credit)\n    told.credit += grant'
      },
      {
        file: association,
        find: 'epoch.number, told.ack, told.credit)\n  }',
        put: 'epoch.number, told.ack, grant)\n  }'
      }
    ]
  },
  {
    name: 'a name is granted while its owner lives',
    edits: [{ file: names, find: 'owner !== undefined && owner !== ref) replyTo', put: 'owner === null) replyTo' }]
  },
  {
    name: "a release gives up another's name",
    edits: [{ file: names, find: 'if (this.#names.get(name) !== ref) return false', put: '' }]
  },
  {
    name: 'a young authority grants new claims',
    edits: [{ file: names, find: 'else if (this.minority === 0 ||', put: 'else if (this.minority >= 0 ||' }]
  },
  {
    name: 'a young authority says that nobody has a name',
    edits: [{ file: names, find: '(!wait && this.minority === 0)', put: '!wait' }]
  },
  {
    name: 'what is held is not asserted to the next authority',
    edits: [
      {
        file: 'runtime/cluster/claims.ts',
        find: "this.#due.clear()\n    for (const intent of this.#intents) if (intent.state === 'held')",
        put: "this.#due.clear()\n    for (const intent of this.#intents) if (intent.state === 'over')"
      }
    ]
  },
  {
    name: 'a hub that comes back does not say who is below it',
    edits: [
      {
        file: announcements,
        find: "for (const { facts } of attachments.values()) if (facts.place === 'below') this.tellAbove(facts)",
        put: ''
      }
    ]
  },
  {
    name: 'a system that moved stays where it was',
    edits: [
      {
        file: announcements,
        find: 'if (before !== undefined && away) return',
        put: 'if (before !== undefined) return'
      }
    ]
  }
]

/** The source of a file with a planted fault in it. Throws when the line that it changes is no longer there. */
export function planted(name, path, source) {
  const plant = plants.find(each => each.name === name)
  if (plant === undefined) throw new Error(`no fault is called '${name}'; tools/plants.mjs lists them`)
  let text = source
  for (const { file, find, put } of plant.edits) {
    if (!path.endsWith(file)) continue
    if (text.split(find).length !== 2)
      throw new Error(`'${name}' wants one '${find}' in ${file}; mend tools/plants.mjs`)
    text = text.replace(find, () => put)
  }
  return text
}
