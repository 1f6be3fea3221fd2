using System.CommandLine;
using System.CommandLine.Parsing;
using Loadline.DeviceMaps;
using Loadline.Harness.Budgets;
using Loadline.Strategies;

namespace Loadline.Harness.Commands;

/// <summary>The options that a device map goes by.</summary>
internal sealed class MapOptions
{
    private const string Strategy = "device-map";

    public Option<string> Device { get; } = CommandOptions.Device("; for device-map several with commas between them, and disk", Known.DevicesProblem);

    public Option<string?> Rule { get; } = new("--map") { Description = $"how a device map is computed: {string.Join(", ", MapRules.Names)}; or a map that was saved", HelpName = "RULE|FILE" };

    public Option<string?> MaxMemory { get; } = CommandOptions.Checked(
        "--max-memory", "the most that devices of a map may hold, as in sim:0=1GiB,cpu=2GiB; by default what is there", "LIMITS", Known.MaxMemoryProblem);

    public Option<string?> NoSplit { get; } = new("--no-split") { Description = "modules that a map does not split, as in trf_blocks.*,h.*; none splits all; by default the blocks of GPT-2 and Llama", HelpName = "PATTERNS" };

    /// <summary>Refuses what only a map can use for a strategy that takes none.</summary>
    public void Validate(CommandResult result, Option<string?> strategy, Option offloadFolder)
    {
        // By its text: a strategy that there is none of has no value, and is another error.
        if (result.GetResult(strategy) is not { Tokens: [var name] } || name.Value == Strategy) return;
        if (result.GetResult(Device) is { Tokens: [var device] } && MapArguments.IsList(device.Value)) result.AddError(Known.DeviceProblem(device.Value)!);
        var given = new Option[] { Rule, MaxMemory, NoSplit, offloadFolder }.FirstOrDefault(o => result.GetResult(o) is not null);
        if (given is not null) result.AddError($"{given.Name} is for --strategy {Strategy}");
    }

    /// <summary>Takes in what was given.</summary>
    /// <exception cref="DeviceMapException">The map cannot be read.</exception>
    public LoadOptions Apply(ParseResult parse, LoadOptions options)
    {
        var (rule, maxMemory, noSplit) = Texts(parse);
        return options.WithPlaces(parse.GetValue(Device)!, rule, maxMemory, noSplit);
    }

    /// <summary>What was given, for a worker's command line: a path is absolute.</summary>
    public MapTexts Texts(ParseResult parse) => new(
        parse.GetValue(Rule) is { } rule ? MapArguments.Absolute(rule, Directory.GetCurrentDirectory()) : null, parse.GetValue(MaxMemory), parse.GetValue(NoSplit));
}

/// <summary>Options of a device map as they were written; null where they were not.</summary>
internal sealed record MapTexts(string? Rule, string? MaxMemory, string? NoSplit);
