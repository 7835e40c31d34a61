// How lives begin, fail, restart and end. Cells call it with their system lane; all of it runs in the cell's own turn, except
// `kill` and `end`, which run no program's code.

import { type Directive, Receiving } from './behavior.ts'
import type { Cell } from './cell.ts'
import { ActorError, factsOf } from './errors.ts'
import { join, leave } from './family.ts'
import type { JointRestart } from './joint-restart.ts'
import { checkHandlers, Life } from './life.ts'
import { badOption } from './options.ts'
import { isThenable } from './pending.ts'
import {
  BREAKING,
  FRESH,
  HELD,
  IDLE,
  LIVING,
  PARKED,
  type Phase,
  RUNNING,
  STOPPED,
  type Target,
  type Teardown
} from './phase.ts'
import { hasEnded } from './ready.ts'
import type { Signal } from './signal.ts'
import { type Decision, decide, direct } from './supervision.ts'
import { DONE, KILLED, SHUTDOWN, type StopReason } from './watch.ts'

/** Milliseconds for a child to stop, for a pending handler to hear its signal, and for the `stopping` hook. */
const PATIENCE = 5000

/** @internal */
export function patienceWith(cell: Cell): number {
  return cell.rest?.shutdown ?? PATIENCE
}

/** Enters the family, and the run queue if its start is a program's code. */
export function start(cell: Cell, before?: Cell): void {
  join(cell.parent.family, cell, before)
  cell.home.alive++
  cell.rejoin()
}

/** A life begins. */
export function begin(cell: Cell): void {
  const { behavior } = cell
  const life = new Life(cell)
  cell.life = life
  try {
    if (behavior instanceof Receiving) {
      life.state = behavior.initial()
      life.step = behavior.step
      cell.phase = LIVING
      return
    }
    const answer = behavior.start(life)
    if (!isThenable(answer)) {
      life.handlers = checkHandlers(answer)
      cell.phase = LIVING
      return
    }
    const slow = cell.home.deadlines.wait(20_000, () => {
      cell.home.logger.warn('setup has not resolved yet', { actor: cell.ref.label, milliseconds: 20_000 })
    })
    cell.phase = { is: 'starting', slow }
    Promise.resolve(answer).then(
      handlers => started(cell, life, handlers),
      error => {
        if (cell.life === life) fail(cell, error)
      }
    )
  } catch (error) {
    fail(cell, error)
  }
}

function started(cell: Cell, life: Life, handlers: unknown): void {
  const { phase } = cell
  if (cell.life !== life || phase.is !== 'starting') return
  try {
    life.handlers ??= checkHandlers(handlers)
    phase.slow.cancel()
    cell.phase = LIVING
    cell.rejoin()
  } catch (error) {
    fail(cell, error)
  }
}

/** The actor has failed; its supervisor decides. In its teardown a failure changes nothing any more. */
export function fail(cell: Cell, error: unknown): void {
  const { phase } = cell
  if (phase.is === 'fresh' || phase.is === 'starting' || phase.is === 'living') {
    if (phase.is === 'starting') phase.slow.cancel()
    cell.phase = { is: 'failed', started: phase === LIVING }
    // Nothing more of its mail in this turn.
    if (cell.run === RUNNING) cell.run = BREAKING
    cell.parent.childFailed(cell, error)
  } else cell.home.logger.warn('a failure after the end', { actor: cell.ref.label, error })
}

/** The system lane, until it is empty. */
export function attend(cell: Cell): void {
  while (cell.signals !== undefined) {
    const signals = cell.signals
    cell.signals = undefined
    for (const signal of signals) obey(cell, signal)
  }
}

function obey(cell: Cell, signal: Signal): void {
  const { phase, home, rest } = cell
  switch (signal.type) {
    case 'stop':
      tear(cell, { is: 'end', reason: signal.reason })
      break
    case 'finish': {
      if (phase.is !== 'living' && phase.is !== 'starting') break
      if (rest === undefined || rest.policy.restart !== 'always') {
        tear(cell, END_DONE)
        break
      }
      const decision = decide(rest.policy, 'done', rest.history, home.clock.now(), home.random)
      if (decision.directive === 'stop') tear(cell, END_DONE)
      else carryOut(cell, decision, new ActorError('ACTOR_FAILED', `${cell.ref.label} stopped itself too often`))
      break
    }
    case 'restart':
      if (rest?.joint !== undefined && (phase.is === 'fresh' || phase.is === 'backoff')) hold(cell, rest.joint)
      else if (phase.is === 'living' || phase.is === 'starting' || phase.is === 'failed') {
        tear(cell, { is: 'life', error: undefined, after: 0, history: undefined })
      }
      break
    case 'decided':
      if (phase.is === 'failed') carryOut(cell, signal.decision, signal.error)
      break
    case 'child failed':
      if (phase.is === 'failed') {
        const more = cell.more()
        more.held ??= []
        more.held.push(signal)
      } else if (signal.child.phase.is === 'failed') judge(cell, signal.child, signal.error)
      break
    case 'escalated':
      fail(cell, signal.error)
      break
    case 'all held':
      for (const child of signal.joint.release()) {
        if (child.phase !== HELD) continue
        child.phase = FRESH
        if (child.run === IDLE || child.run === PARKED) child.rejoin()
      }
      break
    case 'proceed':
      proceed(cell)
  }
}

/** What happens to a child: the parent's own answer, or the child's options. A parent that fails at it takes the child along. */
function judge(cell: Cell, child: Cell, error: unknown): void {
  // It is about to restart with its siblings anyway.
  if (child.rest?.joint !== undefined) return
  const { clock, random } = cell.home
  const { policy, history } = child.more()
  const handlers = cell.phase === LIVING ? cell.life?.handlers : undefined
  let decision: Decision
  try {
    if (handlers?.failed === undefined) decision = decide(policy, 'failed', history, clock.now(), random)
    else {
      const answer: Directive = handlers.failed(child.ref, error, history.count)
      if (!DIRECTIVES.includes(answer)) throw badOption('the answer of failed', answer, DIRECTIVES.join(', '))
      if (child.rest?.joint !== undefined) {
        cell.home.logger.warn('an actor failed and restarts with its siblings', { actor: child.ref.label, error })
        return
      }
      decision = direct(answer, policy, history, clock.now(), random)
    }
  } catch (thrown) {
    child.signal({ type: 'decided', decision: { directive: 'stop' }, error })
    fail(cell, thrown)
    return
  }
  child.signal({ type: 'decided', decision, error })
}

const DIRECTIVES: readonly Directive[] = ['resume', 'restart', 'stop', 'escalate']

function carryOut(cell: Cell, decision: Decision, error: unknown): void {
  const { phase, home, rest } = cell
  const { directive } = decision
  if (directive === 'resume' && phase.is === 'failed' && phase.started) {
    home.logger.warn('an actor failed and goes on', { actor: cell.ref.label, error })
    cell.phase = LIVING
    if (rest?.held !== undefined) {
      for (const signal of rest.held) cell.signal(signal)
      rest.held = undefined
    }
    return
  }
  if (decision.directive === 'restart') {
    home.logger.warn('an actor failed and restarts', { actor: cell.ref.label, error })
    tear(cell, { is: 'life', error, after: decision.after, history: decision.history })
    return
  }
  if (directive === 'escalate') cell.parent.childEscalated(cell, error)
  else home.logger.warn('an actor failed and stops', { actor: cell.ref.label, error })
  tear(cell, { is: 'end', reason: { kind: 'failed', error: factsOf(error) } })
}

const END_DONE: Target = Object.freeze({ is: 'end', reason: DONE })

/** Begins the ordered end of a life, or turns a restart that is under way into a stop. */
function tear(cell: Cell, to: Target): void {
  const { phase } = cell
  if (phase.is === 'stopping' || phase.is === 'stopped') return
  if (phase.is === 'restarting') {
    if (to.is === 'end') cell.phase = { ...phase, is: 'stopping', to }
    return
  }
  if (phase.is === 'backoff') phase.cancel()
  if (phase.is === 'starting') phase.slow.cancel()
  const { life, rest } = cell
  if (to.is === 'end' && rest?.lastChild === undefined && !life?.pending && !life?.handlers?.stopping) {
    end(cell, to.reason)
    return
  }
  cell.phase = { is: to.is === 'end' ? 'stopping' : 'restarting', to, step: 'handler', wait: undefined }
  life?.abort()
  proceed(cell)
}

/** Goes as far as it can without waiting. */
function proceed(cell: Cell): void {
  const phase = cell.phase
  if (phase.is !== 'stopping' && phase.is !== 'restarting') return
  const { life, home } = cell
  const { deadlines } = home
  phase.wait?.cancel()
  phase.wait = undefined
  const pending = life?.pending
  if (phase.step === 'handler') {
    if (pending !== undefined) {
      phase.wait = deadlines.wait(patienceWith(cell), () => {
        home.logger.warn('a handler did not end in time and is left behind', { actor: cell.ref.label })
        pending.abandon()
        cell.finish()
        cell.signal({ type: 'proceed' })
      })
      return
    }
    phase.step = 'children'
  }
  if (phase.step === 'children') {
    const child = cell.rest?.lastChild
    if (child !== undefined) {
      phase.wait = deadlines.wait(patienceWith(child), () => kill(child))
      child.signal({ type: 'stop', reason: SHUTDOWN })
      return
    }
    phase.step = 'hook'
    if (life !== undefined && runHook(cell, life, phase)) return
  }
  if (phase.to.is === 'end') end(cell, phase.to.reason)
  else renew(cell, phase.to)
}

/** `true`: it has to be waited for. */
function runHook(cell: Cell, life: Life, phase: Teardown): boolean {
  const { handlers } = life
  if (handlers?.stopping === undefined || !life.hook()) return false
  const { to } = phase
  const failed = (error: unknown) => cell.home.logger.warn('stopping failed', { actor: cell.ref.label, error })
  try {
    const answer = handlers.stopping(to.is === 'end' ? to.reason : { kind: 'restart', error: to.error })
    if (!isThenable(answer)) return false
    let over = false
    const next = () => {
      if (over) return
      over = true
      cell.signal({ type: 'proceed' })
    }
    Promise.resolve(answer).then(next, error => {
      failed(error)
      next()
    })
    phase.wait = cell.home.deadlines.wait(patienceWith(cell), next)
    return true
  } catch (error) {
    failed(error)
    return false
  }
}

/** The next life: what was put aside comes back first, then the mail that waited. */
function renew(cell: Cell, to: Extract<Target, { is: 'life' }>): void {
  const { life, home } = cell
  if (to.history !== undefined) cell.more().history = to.history
  if (cell.rest !== undefined) cell.rest.held = undefined
  if (life !== undefined) {
    life.close()
    cell.life = undefined
    const stashed = life.unstash()
    if (stashed !== undefined) cell.putBack(stashed)
  }
  const joint = cell.rest?.joint
  if (joint !== undefined) {
    hold(cell, joint)
    return
  }
  cell.phase = FRESH
  if (to.after <= 0) return
  const cancel = home.clock.timer(to.after, () => {
    if (cell.phase !== backoff) return
    cell.phase = FRESH
    cell.rejoin()
  })
  const backoff: Phase = { is: 'backoff', cancel }
  cell.phase = backoff
}

/** The next life waits for those of its siblings. */
function hold(cell: Cell, joint: JointRestart): void {
  if (cell.phase.is === 'backoff') cell.phase.cancel()
  cell.phase = HELD
  joint.held(cell)
}

/** Ends it, and all below it, without asking anyone. */
export function kill(cell: Cell): void {
  if (cell.phase.is === 'stopped') return
  for (let child = cell.rest?.lastChild; child !== undefined; child = cell.rest?.lastChild) kill(child)
  const { phase } = cell
  if (phase.is === 'stopping' || phase.is === 'restarting') phase.wait?.cancel()
  if (phase.is === 'backoff') phase.cancel()
  if (phase.is === 'starting') phase.slow.cancel()
  end(cell, KILLED)
}

/** The end: the name is free before anyone hears of it, and who waits for anything is told. */
function end(cell: Cell, reason: StopReason): void {
  const { life, rest, home, ref } = cell
  const mail = cell.empty()
  if (life !== undefined) {
    const stashed = life.unstash()
    if (stashed !== undefined) mail.unshift(...stashed)
    life.close()
  }
  cell.phase = STOPPED
  cell.signals = undefined
  cell.life = undefined
  cell.run = PARKED
  leave(cell.parent.family, cell)
  home.alive--
  ref.unexport()
  if (rest?.name !== undefined) home.release(rest.name, ref)
  for (const each of mail) cell.bury(each, 'no-actor')
  for (let question = cell.questions; question !== undefined; question = cell.questions) {
    question.giveUp()
    question.died('no-actor')
  }
  if (rest !== undefined) {
    const { watchers, waiters, room } = rest
    rest.watchers = undefined
    rest.pressureChanged = undefined
    rest.pressed = false
    rest.room = rest.waiters = undefined
    if (watchers !== undefined) for (const watcher of watchers) watcher.stopped(ref, reason)
    if (waiters !== undefined) for (const waiter of waiters) waiter.wake(hasEnded(ref))
    if (room !== undefined) for (const then of room) then()
    rest.joint?.left(cell)
  }
  cell.parent.childEnded(cell)
}
