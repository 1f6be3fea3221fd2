using System.CommandLine;
using Loadline.Harness.Output;
using Loadline.Harness.Services;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline plan</c>: what every strategy would take, what fits, and which to choose.</summary>
internal static class PlanCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder");
        var device = CommandOptions.Device();
        var ram = CommandOptions.Ram("what this process can have");
        var vram = CommandOptions.Size("--vram", "the accelerator's memory to plan for; by default its capacity, and of a GPU what its driver says is free");
        var loading = new LoadingOptions();
        var json = new Option<bool>("--json") { Description = "print the plan as JSON" };
        var command = new Command("plan", "Predict from a checkpoint's header what each strategy takes, what fits, and which to choose.")
        {
            path, device, ram, vram, loading.Engine, loading.DType, loading.Ring, json,
        };
        var names = new NameOptions().AddTo(command);
        command.Check(result =>
        {
            var onHost = result.GetResult(device) is not { Tokens: [{ Value: not "cpu" }] };
            if (onHost && result.GetResult(vram) is not null) result.AddError("--vram needs an accelerator, as in --device cuda:0 or --device sim:4GiB");
        });
        command.SetAction(parse =>
        {
            var options = loading.Apply(parse, new LoadOptions { Device = Device.Parse(parse.GetValue(device)!) });
            var limits = new MemoryLimits(parse.GetValue(ram) ?? services.RamLimitBytes(), parse.GetValue(vram) ?? services.DeviceRoomBytes(options.Device));

            using var checkpoint = names.Open(parse, path);
            var plan = Planner.Plan(checkpoint, options, limits);
            if (parse.GetValue(json)) services.Out.WriteLine(PlanText.Json(plan, options));
            else PlanText.Write(services.Console, plan, checkpoint, options);
            return 0;
        });
        return command;
    }
}
