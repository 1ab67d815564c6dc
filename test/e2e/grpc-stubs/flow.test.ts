import { describeRpcFlow } from '../../support/rpc-flow.ts'
import { stubsOf } from './stubs.ts'

describeRpcFlow('@grpc/grpc-js stubs', ({ server }) => stubsOf(server.grpcAddress))
