// The page as the actors see it: elements in, clicks out. Nothing here knows of actors.

/** One counter on the page. */
export interface Card {
  show(facts: { total: number; counted: number; life: number }): void
  /** Added up here: what was sent from this tab. */
  sent(count: number): void
  reachable(yes: boolean): void
  remove(): void
}

export interface CardFacts {
  readonly at: 'here' | 'there' | 'others'
  readonly title: string
  readonly note: string
  readonly hue: number
  add(times: number): void
  crash(): void
}

export interface Person {
  readonly name: string
  readonly hue: number
  readonly note: string
  readonly reachable: boolean
}

export type Wire = 'connecting' | 'connected' | 'suspended' | 'closed'

const number = new Intl.NumberFormat('en')
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

const WORDS: Readonly<Record<Wire, string>> = {
  connecting: 'Connecting',
  connected: 'Connected',
  suspended: 'Cut off',
  closed: 'Closed'
}

/** How many round trips the little curve shows, and how many lines the log. */
const SAMPLES = 40
const LINES = 8

export class View {
  readonly #samples: number[] = []
  readonly #document: Document
  #busy: ReturnType<typeof setTimeout> | undefined

  constructor(document: Document, cut: () => void) {
    this.#document = document
    this.#get('cut').addEventListener('click', cut)
  }

  tabTitle(name: string): void {
    this.#document.title = `${name} · counters`
  }

  wire(status: Wire): void {
    this.#get('wire').dataset.status = status
    this.#document.body.dataset.wire = status
    this.#get('status').textContent = WORDS[status]
    if (status !== 'connected') this.#rtt('–', 'no round trip')
  }

  /** `left`: seconds until the cut wire is mended; `undefined`: it is whole. */
  scissors(left: number | undefined): void {
    const button = this.#get('cut') as HTMLButtonElement
    button.disabled = false
    button.textContent = left === undefined ? 'Cut the link' : `Mend it now (${left} s)`
    this.#get('wire').dataset.cut = left === undefined ? 'no' : 'yes'
  }

  roundTrip(milliseconds: number): void {
    this.#rtt(`${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`, 'round trip')
    this.#samples.push(milliseconds)
    if (this.#samples.length > SAMPLES) this.#samples.shift()
    // The newest is at the right. One slow answer is cut off at the top, or all others would lie at the bottom.
    const usual = [...this.#samples].sort((a, b) => a - b)[Math.floor(this.#samples.length / 2)] ?? 0
    const highest = Math.max(1, usual * 3)
    const first = SAMPLES - this.#samples.length
    const points = this.#samples.map(
      (each, i) => `${((first + i) * 120) / (SAMPLES - 1)},${26 - (Math.min(each, highest) / highest) * 24}`
    )
    this.#get('spark').setAttribute('points', points.join(' '))
  }

  /** Bytes that wait for the link to come back. */
  waiting(bytes: number): void {
    this.#rtt(bytes < 1024 ? `${bytes} B` : `${number.format(Math.round(bytes / 1024))} KiB`, 'waiting to leave')
  }

  /** Something went over the wire: it shows for a moment. */
  busy(): void {
    const wire = this.#get('wire')
    wire.dataset.busy = 'yes'
    clearTimeout(this.#busy)
    this.#busy = setTimeout(() => delete wire.dataset.busy, 700)
  }

  card({ at, title, note, hue, add, crash }: CardFacts): Card {
    const element = this.#clone('card')
    const part = (name: string): HTMLElement => within(element, `[data-${name}]`)
    let sentHere = 0
    let counted = 0
    element.style.setProperty('--hue', String(hue))
    element.dataset.counter = title
    part('title').textContent = title
    part('note').textContent = note
    for (const button of element.querySelectorAll<HTMLButtonElement>('[data-add]')) {
      const times = Number(button.dataset.add)
      button.setAttribute('aria-label', `Add ${number.format(times)} to ${title}`)
      button.addEventListener('click', () => add(times))
    }
    part('crash').setAttribute('aria-label', `Crash ${title}`)
    part('crash').addEventListener('click', crash)
    this.#get(at).append(element)
    this.#others()

    const verdict = (): void => {
      const missing = sentHere - counted
      part('verdict').dataset.verdict = missing === 0 ? 'exact' : 'waiting'
      part('verdict').textContent = missing === 0 ? 'exact' : `${number.format(missing)} on the way`
    }
    verdict()
    return {
      show: facts => {
        counted = facts.counted
        bump(part('total'), number.format(facts.total))
        part('counted').textContent = number.format(facts.counted)
        part('life').textContent = `life ${facts.life}`
        part('life').hidden = facts.life === 1
        verdict()
      },
      sent: count => {
        sentHere = count
        part('sent').textContent = number.format(count)
        verdict()
      },
      reachable: yes => {
        element.dataset.reachable = yes ? 'yes' : 'no'
        part('note').textContent = yes ? note : 'cut off'
      },
      remove: () => {
        element.remove()
        this.#others()
      }
    }
  }

  people(list: readonly Person[]): void {
    this.#get('people').replaceChildren(
      ...list.map(({ name, hue, note, reachable }) => {
        const item = this.#document.createElement('li')
        const dot = this.#document.createElement('span')
        const small = this.#document.createElement('small')
        dot.className = 'dot'
        small.textContent = reachable ? note : 'cut off'
        item.style.setProperty('--hue', String(hue))
        item.dataset.reachable = reachable ? 'yes' : 'no'
        item.append(dot, name, ' ', small)
        return item
      })
    )
  }

  say(text: string): void {
    const line = this.#document.createElement('li')
    const when = this.#document.createElement('time')
    when.textContent = time.format(new Date())
    const what = this.#document.createElement('span')
    what.textContent = text
    line.append(when, what)
    const log = this.#get('log')
    log.prepend(line)
    while (log.childElementCount > LINES) log.lastElementChild?.remove()
  }

  #others(): void {
    this.#get('empty').hidden = this.#get('others').childElementCount > 0
  }

  #rtt(text: string, note: string): void {
    this.#get('rtt').textContent = text
    this.#get('rtt-note').textContent = note
  }

  #get(id: string): HTMLElement {
    return within(this.#document, `#${id}`)
  }

  #clone(id: string): HTMLElement {
    const template = this.#get(id) as HTMLTemplateElement
    return within(template.content.cloneNode(true) as DocumentFragment, '*')
  }
}

/** A changed number lights up: the class has to go for a moment, or the animation would not begin again. */
function bump(element: HTMLElement, text: string): void {
  if (element.textContent === text) return
  element.textContent = text
  element.classList.remove('bump')
  requestAnimationFrame(() => element.classList.add('bump'))
}

function within(parent: ParentNode, selector: string): HTMLElement {
  const found = parent.querySelector<HTMLElement>(selector)
  if (found === null) throw new Error(`page.html has no ${selector}`)
  return found
}
