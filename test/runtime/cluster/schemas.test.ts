import { type } from 'arktype'
import { expect } from 'chai'
import * as v from 'valibot'
import { z } from 'zod'
import {
  type ActorRef,
  type ActorSystem,
  actorName,
  createSystem,
  type DeadLetter,
  type StandardSchema,
  setup
} from '../../../runtime/index.ts'
import { memory } from '../../../transports/memory.ts'
import { failureCode, letters, noting, turn, until } from '../../suites/any-ref/cast.ts'
import { quiet } from '../../support/quiet.ts'

type Message = { type: 'say'; text: string } | { type: 'count'; of?: number; replyTo: ActorRef<unknown> }
type Schema = StandardSchema<unknown>

/** The same messages as each library writes them. */
interface Library {
  readonly messages: Schema
  readonly strict: Schema
  readonly strips: Schema
  /** Text becomes its length. */
  readonly length: Schema
  /** `size` is 1 unless it is said. */
  readonly sized: Schema
  /** `size` may be said as text. */
  readonly coerced: Schema
  readonly waits: Schema | undefined
  /** Rejects, later. */
  readonly rejects: Schema | undefined
  readonly throws: Schema
}

const fault = (): never => {
  throw new Error('the fault of a schema, with secrets')
}

const libraries: Record<string, Library> = {
  zod: {
    messages: z.discriminatedUnion('type', [
      z.object({ type: z.literal('say'), text: z.string().max(10) }),
      z.object({ type: z.literal('count'), of: z.number().optional() })
    ]),
    strict: z.strictObject({ text: z.string() }),
    strips: z.object({ text: z.string() }),
    length: z.string().transform(text => text.length),
    sized: z.object({ size: z.number().default(1) }),
    coerced: z.object({ size: z.coerce.number() }),
    waits: z.string().refine(async () => true),
    rejects: z.string().refine(async () => fault()),
    throws: z.string().refine(fault)
  },
  valibot: {
    messages: v.variant('type', [
      v.object({ type: v.literal('say'), text: v.pipe(v.string(), v.maxLength(10)) }),
      v.object({ type: v.literal('count'), of: v.optional(v.number()) })
    ]),
    strict: v.strictObject({ text: v.string() }),
    strips: v.object({ text: v.string() }),
    length: v.pipe(
      v.string(),
      v.transform(text => text.length)
    ),
    sized: v.object({ size: v.optional(v.number(), 1) }),
    coerced: v.object({ size: v.pipe(v.unknown(), v.transform(Number), v.number()) }),
    waits: v.pipeAsync(
      v.string(),
      v.checkAsync(async () => true)
    ),
    rejects: v.pipeAsync(
      v.string(),
      v.checkAsync(async () => fault())
    ),
    throws: v.pipe(v.string(), v.check(fault))
  },
  arktype: {
    messages: type({ type: "'say'", text: 'string <= 10' }).or({ type: "'count'", 'of?': 'number' }),
    strict: type({ '+': 'reject', text: 'string' }),
    strips: type({ '+': 'delete', text: 'string' }),
    length: type('string').pipe(text => text.length),
    sized: type({ size: 'number = 1' }),
    coerced: type({ size: type('unknown').pipe(Number).to('number') }),
    // It has none that wait.
    waits: undefined,
    rejects: undefined,
    throws: type('string').narrow(fault)
  }
}

/** Schemas that no library would make. */
const trap = (of: object): Schema => ({ '~standard': { version: 1, vendor: 'trap', validate: () => of } })
const get = (key: string): object => Object.defineProperty({}, key, { enumerable: true, get: fault })
const traps: Record<string, Schema> = {
  'whose result has a getter for its issues that throws': trap(get('issues')),
  'whose result has a getter for its value that throws': trap(get('value')),
  'whose issue has a getter for its path that throws': trap({ issues: [get('path')] }),
  'whose path has a part with a getter that throws': trap({ issues: [{ path: [get('key')] }] }),
  'that answers with nothing': trap(undefined as never),
  'that answers with text': trap('fine' as never),
  'that answers with a thenable': trap(
    Object.fromEntries([['then', (done: (value: unknown) => void) => done({ value: 1 })]])
  ),
  'whose validate throws': { '~standard': { version: 1, vendor: 'trap', validate: fault } }
}

const Name = actorName<unknown>('name')
const named = (schema: Schema) => actorName('name', { schema })

describe('a schema', () => {
  let hub: ActorSystem
  let guest: ActorSystem
  let systems: ActorSystem[]
  let dead: DeadLetter[]
  let seen: unknown[]

  const system = (label: string): ActorSystem => {
    const made = createSystem({ label, logger: quiet })
    systems.push(made)
    return made
  }

  beforeEach(() => {
    systems = []
    seen = []
    hub = system('hub')
    guest = system('guest')
    dead = letters(hub)
  })

  afterEach(() => Promise.all(systems.map(each => each.shutdown({ within: 100 }))))

  const open = async (schema: Schema): Promise<void> => {
    const { transport, listener } = memory()
    await hub.listen(listener, { trust: 'guest', expose: [named(schema)], authorize: () => true })
    await guest.connect(transport)
  }
  /** Notes what it is told, and answers questions with what they were. */
  const actor = () =>
    setup<Message>(() => ({
      receive(message) {
        seen.push(message)
        if (typeof message === 'object' && 'replyTo' in message) {
          const { replyTo, ...rest } = message
          replyTo.send(rest)
        }
      }
    })) as never
  const exposed = async (schema: Schema): Promise<ActorRef<Message>> => {
    await open(schema)
    hub.spawn(actor(), { name: named(schema) })
    return guest.lookup(Name) as never
  }
  /** What becomes of a message. */
  const sent = async (schema: Schema, message: unknown): Promise<unknown[]> => {
    const ref = await exposed(schema)
    ref.send(message as Message)
    await until(() => seen.length + dead.length > 0, 'it has arrived')
    return [...seen, ...dead.map(({ reason }) => reason)]
  }

  for (const [library, schemas] of Object.entries(libraries)) {
    describe(`of ${library}`, () => {
      it('lets in what fits', async () => {
        expect(await sent(schemas.messages, { type: 'say', text: 'hello' })).to.deep.equal([
          { type: 'say', text: 'hello' }
        ])
      })

      it('refuses what does not: a dead letter without the message, whose error has paths and no values', async () => {
        expect(await sent(schemas.messages, { type: 'say', text: 'a secret that is too long' })).to.deep.equal([
          'invalid'
        ])
        const [letter] = dead as [DeadLetter]
        expect(letter.message).to.equal(undefined)
        expect(String(letter.error)).to.contain('text').and.not.contain('secret')
      })

      it('fails a question that does not fit with ACTOR_INVALID, and its text has paths and no values', async () => {
        const ref = await exposed(schemas.messages)
        const error = await ref.ask({ type: 'count', of: 'a secret' } as never).then(
          () => undefined,
          (failed: { code: string; message: string }) => failed
        )
        expect(error?.code).to.equal('ACTOR_INVALID')
        expect(error?.message).to.contain('of').and.not.contain('secret')
        expect(seen).to.deep.equal([])
      })

      it('does not see replyTo, which is put back', async () => {
        const ref = await exposed(schemas.messages)
        expect(await ref.ask({ type: 'count', of: 3 })).to.deep.equal({ type: 'count', of: 3 })
        ref.send({ type: 'count', replyTo: 'no ref' } as never)
        await until(() => dead.length > 0, 'it is refused')
        expect(dead.map(({ reason }) => reason)).to.deep.equal(['invalid'])
      })

      it('that is strict does not see replyTo either', async () => {
        const ref = await exposed(schemas.strict)
        expect(await ref.ask({ text: 'a' } as never)).to.deep.equal({ text: 'a' })
      })

      it('refuses unknown keys, or strips them, as it says', async () => {
        expect(await sent(schemas.strips, { text: 'a', more: 1 })).to.deep.equal([{ text: 'a' }])
      })

      it('that is strict refuses unknown keys', async () => {
        expect(await sent(schemas.strict, { text: 'a', more: 1 })).to.deep.equal(['invalid'])
      })

      it('delivers what it makes of a message', async () => {
        expect(await sent(schemas.length, 'four')).to.deep.equal([4])
      })

      it('fills in what was left out', async () => {
        expect(await sent(schemas.sized, {})).to.deep.equal([{ size: 1 }])
      })

      it('makes of a value what it should be', async () => {
        expect(await sent(schemas.coerced, { size: '12' })).to.deep.equal([{ size: 12 }])
      })

      it('that makes something else than an object of a question fails it', async () => {
        await open(schemas.length)
        hub.spawn(actor(), { name: named(schemas.length) })
        const ref = (await guest.lookup(Name)) as ActorRef<unknown>
        expect(await failureCode(ref.ask({ length: 1 } as never))).to.equal('ACTOR_INVALID')
      })

      it('that throws refuses, and what it throws is told to nobody but the dead letter', async () => {
        const ref = await exposed(schemas.throws)
        ref.send('a' as never)
        await until(() => dead.length > 0, 'it is refused')
        expect(dead.map(({ reason }) => reason)).to.deep.equal(['invalid'])
        expect(seen).to.deep.equal([])
      })

      for (const [title, schema] of [
        ['waits', schemas.waits],
        ['waits and rejects', schemas.rejects]
      ] as const) {
        if (schema === undefined) continue
        it(`that ${title} refuses all`, async () => {
          expect(await sent(schema, 'a')).to.deep.equal(['invalid'])
          expect(String(dead[0]?.error)).to.contain('promise')
          for (let n = 0; n < 5; n++) await turn()
        })
      }

      it('is not asked about messages of nodes', async () => {
        const { transport, listener } = memory()
        const secret = 'the secret of all nodes'
        await hub.listen(listener, { trust: { node: { secret } } })
        hub.spawn(actor(), { name: named(schemas.strict) })
        const node = system('node')
        await node.connect(transport, { secret })
        const ref = (await node.lookup(Name)) as ActorRef<unknown>
        ref.send({ more: 1 })
        await until(() => seen.length > 0, 'it is heard')
        expect(seen).to.deep.equal([{ more: 1 }])
      })
    })
  }

  for (const [title, schema] of Object.entries(traps)) {
    it(`${title} refuses, and the asker hears nothing of it`, async () => {
      const ref = await exposed(schema)
      const told = await ref.ask({ type: 'count' }).then(
        () => 'answered',
        (error: { code: string; message: string }) => `${error.code} ${error.message}`
      )
      expect(told).to.contain('ACTOR_INVALID').and.not.contain('secrets')
      expect(seen).to.deep.equal([])
      expect(dead.map(({ reason }) => reason)).to.deep.equal(['invalid'])
    })
  }

  it('is a Standard Schema, or the name is not made', () => {
    for (const schema of [undefined, null, {}, { '~standard': {} }, z.string]) {
      expect(() => actorName('x', { schema: schema as never }))
        .to.throw(/Standard Schema/)
        .with.property('code', 'ACTOR_BAD_OPTION')
    }
  })

  describe('is asked', () => {
    const { strict } = libraries.zod as Library
    const note = { text: 'a' }
    const wrong = { text: 1 }
    const heard = async (...refs: Array<ActorRef<unknown>>): Promise<void> => {
      for (const ref of refs) {
        seen.length = 0
        for (const message of [wrong, note]) ref.send(message as never)
        await until(() => seen.length > 0, 'one is heard')
        expect(seen).to.deep.equal([note])
      }
    }

    it('whatever way a guest got the ref, though it was passed on by one without a name', async () => {
      await open(strict)
      const ref = hub.spawn(actor(), { name: Name })
      const another = memory()
      const Desk = actorName<{ replyTo: ActorRef<unknown> }>('desk')
      hub.spawn(
        setup<{ replyTo: ActorRef<unknown> }>(() => ({ receive: ({ replyTo }) => void replyTo.send(ref) })),
        { name: Desk }
      )
      await hub.listen(another.listener, { trust: 'guest', expose: [{ name: Desk, unchecked: true }] })
      const second = system('second')
      await second.connect(another.transport)
      const passed = (await (await second.lookup(Desk)).ask({} as never)) as ActorRef<unknown>
      await heard(passed)
    })

    it('for an actor that had its name before the listener was opened', async () => {
      const ref = hub.spawn(actor(), { name: Name })
      await open(strict)
      await heard((guest as never as { revive(address: string): ActorRef<unknown> }).revive(ref.address))
    })

    it('for members of an exposed group, joined before or after, without a schema', async () => {
      const before = hub.spawn(actor())
      await hub.join(Name, before)
      await open(strict)
      await hub.join(Name, hub.spawn(actor()))
      let members: Array<ActorRef<unknown>> = []
      guest.members(Name, now => {
        members = [...now.keys()]
      })
      await until(() => members.length === 2, 'both are seen')
      await heard(...members)
    })

    it('for an actor that was registered before or after, without a schema', async () => {
      await hub.register(Name, hub.spawn(actor()))
      await open(strict)
      await heard(await guest.lookup(Name))
    })

    it('at the home of an actor behind the hub, when the name has it there', async () => {
      await open(strict)
      const { transport, listener } = memory()
      const secret = 'the secret of all nodes'
      await hub.listen(listener, { trust: { node: { secret } } })
      const worker = system('worker')
      await worker.connect(transport, { secret })
      await worker.register(named(strict), worker.spawn(actor()))
      await heard(await guest.lookup(Name))
    })

    it('not for adapters of an exposed actor: they are refs of their own, whose mapping is their check', async () => {
      type Mail = { text: string } | { replyTo: ActorRef<unknown> }
      await open(strict)
      hub.spawn(
        setup<Mail>(ctx => ({
          receive(message) {
            seen.push(message)
            if ('replyTo' in message) message.replyTo.send(ctx.adapt((n: number) => ({ text: String(n) })))
          }
        })) as never,
        { name: named(strict) }
      )
      const ref = (await guest.lookup(Name)) as ActorRef<unknown>
      const adapter = (await ref.ask({ text: 'adapter' } as never)) as ActorRef<unknown>
      seen.length = 0
      adapter.send(7)
      await until(() => seen.length > 0, 'it is heard')
      expect(seen).to.deep.equal([{ text: '7' }])
    })

    it('not for refs of the guest itself that others of the system send to', async () => {
      await open(strict)
      const told: unknown[] = []
      await guest.join(Name, guest.spawn(noting(told)))
      let members: Array<ActorRef<unknown>> = []
      hub.members(Name, now => {
        members = [...now.keys()]
      })
      await until(() => members.length === 1, 'it is seen')
      members[0]?.send(wrong as never)
      await until(() => told.length > 0, 'it is heard')
      expect(told).to.deep.equal([wrong])
    })
  })
})
