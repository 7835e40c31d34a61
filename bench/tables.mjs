// From lines of figures to tables: medians, then ours against peers, with what is wanted beside it.

/** Case -> peer -> figure -> { median, spread }. */
export function summarise(lines) {
  const cases = new Map()
  for (const { case: name, peer, node: _node, unit: _unit, ...figures } of lines) {
    const peers = cases.get(name) ?? new Map()
    cases.set(name, peers)
    const all = peers.get(peer) ?? {}
    peers.set(peer, all)
    for (const [figure, value] of Object.entries(figures)) all[figure] = [...(all[figure] ?? []), value]
  }
  for (const peers of cases.values()) {
    for (const [peer, figures] of peers) {
      peers.set(peer, Object.fromEntries(Object.entries(figures).map(([figure, values]) => [figure, middle(values)])))
    }
  }
  return cases
}

function middle(values) {
  const sorted = [...values].sort((one, other) => one - other)
  const half = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  return { median, spread: (sorted.at(-1) - sorted[0]) / 2 / median }
}

/** `undefined` when nothing of this question was measured. */
export function printRates({ cases, programs }, measured) {
  const peers = Object.keys(programs).filter(peer => cases.some(name => measured.get(name)?.has(peer)))
  if (peers.length === 0) return undefined
  return table(
    ['', ...cases],
    peers.map(peer => [peer, ...cases.map(name => told(measured.get(name)?.get(peer)))])
  )
}

function told(figures) {
  if (figures === undefined) return ''
  const { rate, p50, p99, bytes, cpu } = figures
  if (p50 !== undefined) return `${p50.median.toFixed(1)} / ${p99.median.toFixed(1)} µs (p50 / p99)`
  if (rate === undefined)
    return `${Math.round(bytes.median)} bytes ±${Math.round(bytes.spread * 100)}%, ${cpu.median.toFixed(1)} ms/s`
  const spread = `±${Math.round(rate.spread * 100)}%`
  return `${short(rate.median)}/s ${spread}${bytes === undefined ? '' : `, ${Math.round(bytes.median)} bytes`}`
}

function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)}M`
  return value >= 1e3 ? `${(value / 1e3).toPrecision(3)}k` : value.toPrecision(3)
}

export function printRatios({ goals }, measured) {
  const rows = goals.flatMap(goal => {
    const { name, peer, figure, of = 'ours', against = name, aim } = goal
    const ours = measured.get(name)?.get(of)?.[figure]?.median
    const absolute = peer === figure
    const theirs = absolute ? 1 : measured.get(against)?.get(peer)?.[figure]?.median
    if (ours === undefined || theirs === undefined) return []
    const ratio = ours / theirs
    const wanted = goal.atLeast === undefined ? `at most ${goal.atMost}` : `at least ${goal.atLeast}`
    const reaches = mark => (goal.atLeast === undefined ? ratio <= mark : ratio >= mark)
    const verdict = reaches(aim) ? 'aim' : reaches(goal.atLeast ?? goal.atMost) ? 'yes' : 'NO'
    const beside = against === name ? peer : `${peer}, ${against}`
    const unit = figure === 'rate' ? '' : ` (${figure})`
    return [[name, of, absolute ? figure : `${beside}${unit}`, ratio.toPrecision(3), wanted, String(aim), verdict]]
  })
  return rows.length === 0 ? '' : table(['case', 'of', 'against', 'ratio', 'wanted', 'aim', 'reached'], rows)
}

function table(head, rows) {
  const line = cells => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
