using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Budgets;

/// <summary>Names that the command line and budget files accept, beside the catalogue of strategies.</summary>
internal static class Known
{
    /// <summary>In one list: of more than a machine has, to read it would take its time.</summary>
    public const int MostDevices = 128;

    /// <summary>The verification that computes.</summary>
    public const string Forward = "forward";

    /// <summary>The verification that compares every tensor with what was recorded.</summary>
    public const string Digest = "digest";

    private const int MostCharacters = 4096;
    private const int MostShown = 100;

    /// <summary>Who owns the memory of tensors.</summary>
    public static IReadOnlyList<string> Engines { get; } = EngineNames.All;

    /// <summary>Whether a streamed load reads through the page cache.</summary>
    public static IReadOnlyList<string> ReadModes { get; } = Reading.ReadModes.Names;

    /// <summary>How weights are verified after a load.</summary>
    public static IReadOnlyList<string> Verifications { get; } = [Digest, Forward];

    /// <summary>What models are made in.</summary>
    public static IReadOnlyList<string> ModelDTypes { get; } = [.. CheckpointRecipe.DTypes.Select(d => d.Name)];

    /// <summary>What is wrong with a dtype to load as, or null.</summary>
    public static string? DTypeProblem(string dtype) => ProblemOf(() => TargetDType.Parse(dtype));

    /// <summary>What is wrong with limits of devices, or null.</summary>
    public static string? MaxMemoryProblem(string limits) => MaxMemoryProblem(limits, out _);

    /// <summary>The same, with the limits where nothing is wrong with them.</summary>
    public static string? MaxMemoryProblem(string limits, out IReadOnlyDictionary<string, long>? read)
    {
        IReadOnlyDictionary<string, long>? parsed = null;
        var problem = limits.AsSpan().Count(',') >= MostDevices ? $"'{Shortened(limits)}' has limits for more than {MostDevices} devices"
            : TextProblem(limits) ?? ProblemOf(() => parsed = new LoadOptions().WithMaxMemory(limits).DeviceMap!.MaxMemory);
        read = problem is null ? parsed : null;
        return problem;
    }

    /// <summary>What is wrong with a list of devices, as a map takes it, or null.</summary>
    public static string? DevicesProblem(string devices) => DevicesProblem(devices, out _);

    /// <summary>The same, with the devices where nothing is wrong with them.</summary>
    public static string? DevicesProblem(string devices, out DeviceList? list)
    {
        DeviceList? read = null;
        var problem = !MapArguments.IsList(devices) ? DeviceProblem(devices)
            : devices.AsSpan().Count(',') >= MostDevices ? $"'{Shortened(devices)}' is a list of more than {MostDevices} devices"
            : TextProblem(devices) ?? ProblemOf(() => read = DeviceList.Parse(devices));
        list = problem is null ? read ?? DeviceList.Of(Device.Parse(devices)) : null;
        return problem;
    }

    /// <summary>What is wrong with a device's name, or null.</summary>
    public static string? DeviceProblem(string device) =>
        TextProblem(device) is { } odd ? odd
        : Device.TryParse(device, out _) ? null
        : MapArguments.IsList(device) ? $"'{device}' is for --strategy device-map: the other strategies load onto one device"
        : $"unknown device '{device}': known are cpu, cuda:N as in cuda:0, and sim:CAPACITY as in sim:4GiB";

    // A tab is passed over beside a comma, and in results it is written as its code, which is none.
    private static string? TextProblem(string text) =>
        text.Length > MostCharacters ? $"'{Shortened(text)}' is longer than {MostCharacters} characters"
        : PrintableText.Escape(text) is var shown && shown != text ? $"'{shown}' has characters that cannot be seen"
        : null;

    private static string Shortened(string text) => PrintableText.Shorten(text, MostShown);

    private static string? ProblemOf(Func<object> parse)
    {
        try
        {
            _ = parse();
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }
}
