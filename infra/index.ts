// Mainstay as a CDK library: what another CDK app imports. docs/configuration.md shows how.

export { type ClusterInput, ConfigFaulty, defineConfig, type MainstayConfigInput } from './config';
export { ControlPlane, type ControlPlaneProps, controlPlaneTag } from './constructs/control-plane';
export { ProtectedCluster, type ProtectedClusterProps } from './constructs/protected-cluster';
