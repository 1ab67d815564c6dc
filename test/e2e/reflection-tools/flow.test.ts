import { describeRpcFlow } from '../../support/rpc-flow.ts'
import { bufCurlOf } from './buf-curl.ts'

describeRpcFlow('buf curl with reflection only', ({ server }) => bufCurlOf(server.grpcAddress))
