import { anyProtocol } from '../suites/any-protocol.ts'
import { second } from './second/vectors.ts'

anyProtocol('a second implementation', second)
