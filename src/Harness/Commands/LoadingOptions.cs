using System.CommandLine;
using Loadline.Reading;
using Loadline.Strategies;

namespace Loadline.Harness.Commands;

/// <summary>The options of a load that every strategy has, on whatever device.</summary>
internal sealed class LoadingOptions
{
    public Option<string?> Engine { get; } = CommandOptions.Engine();

    public Option<string?> DType { get; } = CommandOptions.TargetDType();

    public Option<long?> Ring { get; } = CommandOptions.Ring();

    /// <summary>Takes in what was given.</summary>
    public LoadOptions Apply(ParseResult parse, LoadOptions options)
    {
        if (parse.GetValue(Engine) is { } engine) options = options with { Engine = engine };
        if (parse.GetValue(DType) is { } dtype) options = options with { DType = TargetDType.Parse(dtype) };
        return parse.GetValue(Ring) is { } ringBytes ? options with { RingBytes = ringBytes } : options;
    }
}
