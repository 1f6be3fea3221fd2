using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Measuring;

namespace Loadline.Worker;

/// <summary>The worker's other command line: <c>convert IN OUT --format F [--dtype T] [--shard-size N] [--allow-overflow true] [--pending PATH]</c>.</summary>
internal static class ConvertArguments
{
    /// <summary>The first argument. A checkpoint that is to be loaded comes by its absolute path, and so is never taken for it.</summary>
    public const string Command = "convert";

    /// <exception cref="ArgumentException">An argument is missing, unknown or makes no sense; the message is one line.</exception>
    public static ConversionRequest Parse(ReadOnlySpan<string> arguments)
    {
        if (arguments.Length < 4 || arguments.Length % 2 != 0) throw new ArgumentException("write loadline-worker convert IN OUT --format F");
        var options = new ConversionOptions { Format = default };
        var names = new NameArguments();
        for (var i = 2; i < arguments.Length; i += 2)
        {
            if (!names.Take(arguments[i], arguments[i + 1])) options = Apply(options, arguments[i], arguments[i + 1]);
        }

        return new ConversionRequest(arguments[0], arguments[1], options) { Names = names.Selection };
    }

    private static ConversionOptions Apply(ConversionOptions options, string option, string value) => option switch
    {
        "--format" when CheckpointFormats.TryParse(value, out var format) => options with { Format = format },
        "--dtype" when DType.TryParse(value, out var dtype) => options with { DType = dtype },
        "--shard-size" => options with { ShardBytes = ByteSize.Parse(value) },
        "--pending" => options with { PendingPath = value },
        "--allow-overflow" when value == "true" => options with { AllowOverflow = true },
        _ => throw new ArgumentException($"{option} {value} is not understood"),
    };
}
