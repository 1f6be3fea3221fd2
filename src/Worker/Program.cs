using Loadline.Measuring;
using Loadline.Worker;

return WorkerProgram.Run(args, _ => ModelTarget.Instance);
