
// As the other worker; and, with `own WAY CHECKPOINT`, one of the ways that TorchSharp's users have, for comparison.
using Loadline.Measuring;
using Loadline.Tensors.Engines;
using Loadline.Worker;
using Loadline.Worker.TorchSharp;

return args is [OwnWays.Command, .. var own]
    ? OwnWays.Run(own)
    : WorkerProgram.Run(args, request => request.Options.Engine == EngineNames.TorchSharp ? new ModuleTarget() : ModelTarget.Instance);
