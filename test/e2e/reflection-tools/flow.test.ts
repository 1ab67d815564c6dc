import { describeRpcFlow } from '../../support/rpc-flow.ts'
import { bufCurlOf } from './buf-curl.ts'

describeRpcFlow('buf curl and reflection alone', ({ server }) => bufCurlOf(server.grpcAddress))
