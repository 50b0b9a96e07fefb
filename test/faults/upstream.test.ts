import { lateAfterUsage, lateFaults } from './faults.ts'
import { openUpstreamStage } from './stage.ts'
import { faultSuite } from './suite.ts'

faultSuite(openUpstreamStage, [...lateFaults, ...lateAfterUsage])
