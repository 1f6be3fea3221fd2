using System.CommandLine;
using Loadline.Harness.Output;
using Loadline.Harness.Services;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors.Limits;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline map</c>: which part of a model <c>device-map</c> would put where.</summary>
internal static class MapCommand
{
    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("PATH", "the checkpoint, a file or a folder");
        var map = new MapOptions();
        var ram = CommandOptions.Ram("what is free of what this process can have");
        var json = new Option<bool>("--json") { Description = "print the map as JSON, which --map takes back" };
        var command = new Command("map", "Compute from a checkpoint's header which part goes to which device.") { path, map.Device, map.Rule, map.MaxMemory, map.NoSplit, ram, json };
        var names = new NameOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var options = map.Apply(parse, new LoadOptions { Strategy = "device-map" });
            using var checkpoint = names.Open(parse, path);
            var plan = MapPlanner.Plan(checkpoint, options, parse.GetValue(ram) is { } ramBytes ? HostRam.Of(ramBytes) : services.FreeRam());
            if (parse.GetValue(json)) MapJson.Write(services.Out, plan.Map.Names);
            else MapText.Write(services.Console, plan, checkpoint);
            return 0;
        });
        return command;
    }
}
