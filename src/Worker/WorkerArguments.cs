using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Models;
using Loadline.Strategies.Runs;

namespace Loadline.Worker;

/// <summary>The worker's command line: <c>PATH --strategy S --device D [--ring N] [--readers N] [--model NAME] [--engine native|libtorch] [--verify digest] [--interval MS]</c>.</summary>
internal static class WorkerArguments
{
    /// <exception cref="ArgumentException">An argument is missing, unknown or makes no sense; the message is one line.</exception>
    public static LoadRequest Parse(ReadOnlySpan<string> arguments)
    {
        if (arguments.IsEmpty) throw new ArgumentException("name a checkpoint: loadline-worker PATH --strategy S --device D");
        var request = new LoadRequest(arguments[0], new LoadOptions());
        for (var i = 1; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length) throw new ArgumentException($"{arguments[i]} needs a value");
            request = Apply(request, arguments[i], arguments[i + 1]);
        }

        return request;
    }

    private static LoadRequest Apply(LoadRequest request, string option, string value) => option switch
    {
        "--strategy" => request with { Options = request.Options with { Strategy = value } },
        "--device" => request with { Options = request.Options with { Device = Device.Parse(value) } },
        "--ring" => request with { Options = request.Options with { RingBytes = ByteSize.Parse(value) } },
        "--readers" when int.TryParse(value, out var readers) => request with { Options = request.Options with { Readers = readers } },
        "--model" when KnownModels.TryCreate(value) is { } model => request with { Options = request.Options with { Model = model } },
        "--engine" => request with { Options = request.Options with { Engine = value } },
        "--interval" when int.TryParse(value, out var milliseconds) && milliseconds > 0 => request with { SampleInterval = TimeSpan.FromMilliseconds(milliseconds) },
        "--verify" when value == "digest" => request with { VerifyDigests = true },
        _ => throw new ArgumentException($"{option} {value} is not understood"),
    };
}
