// Faults of one line each that the simulator must find: `npm run simulate -- --plant all` puts them into the sources one at a
// time, as they are loaded, and prints the seed that caught each. A simulator that cannot fail proves nothing.

const association = 'runtime/peer/association.ts'
const announcements = 'runtime/cluster/announcements.ts'
const names = 'runtime/cluster/registry-names.ts'
const claims = 'runtime/cluster/claims.ts'
const peer = 'runtime/peer/peer.ts'
const outbox = 'runtime/peer/outbox.ts'
const ask = 'runtime/actor/ask.ts'
const lives = 'runtime/actor/life-cycle.ts'
const timers = 'runtime/actor/timers.ts'

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
  },
  {
    name: "a hub's verdict kills a direct path",
    edits: [
      {
        file: association,
        find: 'if (epoch === undefined || path !== this.#path) return\n    if (!epoch.answered) {',
        put: 'if (epoch === undefined) return\n    if (!epoch.answered || path !== this.#path) {'
      }
    ]
  },
  {
    name: 'the loss of the last frame is never noticed',
    edits: [
      {
        file: association,
        find: 'if (this.#probeDue(epoch) <= now) this.#sync(epoch, RESEND)',
        put: 'if (this.#probeDue(epoch) <= now) this.#sync(epoch, 0)'
      },
      {
        file: association,
        find: 'if (kind === HeadKind.sync) this.#sendAck(epoch, HeadKind.ack, this.#starving(epoch) ? 0 : RESEND, path)',
        put: 'if (kind === HeadKind.sync) this.#sendAck(epoch, HeadKind.ack, 0, path)'
      }
    ]
  },
  {
    name: 'what was on its way by the old path is never gone on with',
    edits: [
      {
        file: association,
        find: "this.#flow = 'free'\n    const from = Math.max",
        put: 'const from = Math.max'
      }
    ]
  },
  {
    name: 'nobody is ever gone',
    edits: [
      {
        file: association,
        find: 'if (this.#waiting !== undefined && now - this.#waiting >= this.#downAfter) {',
        put: 'if (this.#waiting === Number.NEGATIVE_INFINITY) {'
      }
    ]
  },
  {
    name: 'a peer is gone in a tenth of the time',
    edits: [
      {
        file: association,
        find: 'now - this.#waiting >= this.#downAfter) {',
        put: 'now - this.#waiting >= this.#downAfter / 10) {'
      }
    ]
  },
  {
    name: 'memory is not given back for what was acknowledged',
    edits: [
      { file: association, find: 'epoch.account.give(batch.upTo - epoch.ackedBytes + count * BATCH_COST)', put: '' }
    ]
  },
  {
    name: 'watchers do not hear that an epoch has ended',
    edits: [{ file: peer, find: "for (const ref of watched) ref.ended({ kind: 'unreachable' })", put: '' }]
  },
  {
    name: 'questions wait for answers of an epoch that is over',
    edits: [{ file: peer, find: "question.died('unreachable')", put: '' }]
  },
  {
    name: 'numbers of actors outlive their epoch',
    edits: [{ file: outbox, find: 'this.#mailed = 0\n    this.#numbers = undefined', put: 'this.#mailed = 0' }]
  },
  {
    name: 'a small message overtakes a large one',
    edits: [
      {
        file: outbox,
        find: 'each.target.id === target.id) return true',
        put: 'each.target.id === target.id) return false'
      }
    ]
  },
  {
    name: 'mail that found no room twice is forgotten',
    edits: [
      {
        file: 'runtime/peer/inbox.ts',
        find: 'if (this.#parked.length > 0 && !this.#port.retry()) return false',
        put: 'if (this.#parked.length > 0) this.#port.retry()'
      }
    ]
  },
  {
    name: 'mail from elsewhere goes into a full mailbox',
    edits: [
      { file: 'runtime/actor/mailbox.ts', find: 'this.waiting >= capacity ||', put: 'this.waiting >= 2 * capacity ||' }
    ]
  },
  {
    name: 'the end of an actor is not told to those elsewhere',
    edits: [
      {
        file: 'runtime/peer/receiver.ts',
        find: 'if (allowance.watches <= terms.watches) ref.watch(this.#sender)',
        put: 'if (allowance.watches > terms.watches) ref.watch(this.#sender)'
      }
    ]
  },
  {
    name: 'a late reply reaches a reused ask',
    edits: [{ file: ask, find: '{super.draw()}', put: "{'ask'}" }]
  },
  {
    name: 'questions of an actor that ends are not failed',
    edits: [{ file: lives, find: "question.giveUp()\n    question.died('no-actor')", put: 'question.giveUp()' }]
  },
  {
    name: 'a late answer is counted nowhere',
    edits: [
      {
        file: 'runtime/actor/nowhere-ref.ts',
        find: 'this.home.deadLetters.add(this, envelope, this.#reason)',
        put: "if (this.#reason !== 'late-answer') this.home.deadLetters.add(this, envelope, this.#reason)"
      }
    ]
  },
  {
    name: 'a restart loses one message',
    edits: [
      {
        file: lives,
        find: 'cell.phase = FRESH\n  if (to.after <= 0) return',
        put: 'if (cell.count > 0) cell.finish()\n  cell.phase = FRESH\n  if (to.after <= 0) return'
      }
    ]
  },
  {
    name: 'a restart hands the message that crashed over again',
    edits: [
      {
        file: 'runtime/actor/cell.ts',
        find: 'this.finish()\n    if (!(mail instanceof Errand)) this.bury',
        put: 'if (mail instanceof Errand) this.finish()\n    if (!(mail instanceof Errand)) this.bury'
      }
    ]
  },
  {
    name: 'a timer fires after its actor',
    edits: [
      {
        file: timers,
        find: 'for (const tick of this.#ticks.values()) tick.cancel()\n    this.#ticks.clear()',
        put: ''
      },
      {
        file: 'runtime/actor/life.ts',
        find: 'if (!this.ended) this.cell.errand(errand)',
        put: 'this.cell.errand(errand)'
      },
      {
        file: 'runtime/actor/cell.ts',
        find: 'return mail.life === life ? mail.run(this) : this.nothing',
        put: 'return mail.run(this)'
      }
    ]
  },
  {
    name: 'one restart more than the budget',
    edits: [
      {
        file: 'runtime/actor/supervision.ts',
        find: 'if (recent.length >= limit.restarts)',
        put: 'if (recent.length > limit.restarts)'
      }
    ]
  },
  {
    name: 'a budget that never recovers',
    edits: [
      {
        file: 'runtime/actor/supervision.ts',
        find: 'const recent = history.times.filter(time => now - time < limit.within)',
        put: 'const recent = history.times'
      }
    ]
  },
  {
    name: 'a restart leaves the children running',
    edits: [
      {
        file: lives,
        find: 'if (child !== undefined) {\n      phase.wait',
        put: "if (child !== undefined && phase.to.is === 'end') {\n      phase.wait"
      }
    ]
  },
  {
    name: 'a parent ends before its handler at work',
    edits: [{ file: lives, find: 'if (pending !== undefined) {', put: 'if (pending === null) {' }]
  },
  {
    name: 'who ends keeps its names',
    edits: [
      {
        file: 'runtime/cluster/registry.ts',
        find: 'for (const name of holder.names) this.#names.release(name, ref)',
        put: ''
      }
    ]
  },
  {
    name: 'a lost claim is believed to be held',
    edits: [
      {
        file: claims,
        find: "this.#port.logger.warn('a claim was lost', { code: answer.code })",
        put: "if (answer.code === 'ACTOR_NAME_TAKEN') return"
      }
    ]
  },
  {
    name: 'who is behind a hub beside is taken for below',
    edits: [
      {
        file: 'runtime/cluster/directory.ts',
        find: "const heard = announced?.by.facts.place === 'below'",
        put: 'const heard = announced !== undefined'
      }
    ]
  },
  {
    name: 'a connection that died in silence is kept',
    edits: [{ file: 'runtime/peer/wire.ts', find: 'if (silence > SILENCE) {', put: 'if (silence > 1_000 * SILENCE) {' }]
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
