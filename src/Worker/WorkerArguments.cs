using Loadline.Forward;
using Loadline.Forward.Models;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;

namespace Loadline.Worker;

/// <summary>
/// The worker's command line: <c>PATH --strategy S --device D [--dtype T] [--ring N] [--readers N] [--reads auto|cached|direct] [--model NAME]
/// [--engine native|libtorch|torchsharp] [--interval MS]
/// [--warm true] [--verify digest | --verify forward [--heads N] [--resident N]] [--passes N [--use read|forward]] [--processes N] [--hold-at PHASE]
/// [--include G,…] [--exclude G,…] [--rename A=B,…] [--strip PREFIX|auto]</c>, and for device-map <c>--device D,E,… [--map RULE|FILE]
/// [--max-memory D=N,…] [--no-split P,…] [--offload-folder PATH]</c>. With <c>--processes</c> it starts itself again, with <c>--companion true</c>.
/// </summary>
internal static class WorkerArguments
{
    // Several processes always read their weights back. A companion's samples would be of itself only: it takes none by the clock.
    private static readonly string[] Companion = ["--processes", "1", "--companion", "true", "--verify", "digest", "--interval", $"{int.MaxValue}"];

    /// <exception cref="ArgumentException">An argument is missing, unknown or makes no sense; the message is one line.</exception>
    public static LoadRequest Parse(ReadOnlySpan<string> arguments)
    {
        if (arguments.IsEmpty) throw new ArgumentException("name a checkpoint: loadline-worker PATH --strategy S --device D");
        var request = new LoadRequest(arguments[0], new LoadOptions());
        var names = new NameArguments();
        for (var i = 1; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length) throw new ArgumentException($"{arguments[i]} needs a value");
            if (!names.Take(arguments[i], arguments[i + 1])) request = Apply(request, arguments[i], arguments[i + 1]);
        }

        return request with { Options = request.Options with { Names = names.Selection }, CompanionArguments = [.. arguments, .. Companion] };
    }

    private static LoadRequest Apply(LoadRequest request, string option, string value) => option switch
    {
        "--strategy" => request with { Options = request.Options with { Strategy = value } },
        "--device" => request with { Options = request.Options.WithDevices(value) },
        "--map" => request with { Options = request.Options.WithMap(value) },
        "--max-memory" => request with { Options = request.Options.WithMaxMemory(value) },
        "--no-split" => request with { Options = request.Options.WithNoSplit(value) },
        "--offload-folder" => request with { Options = request.Options.WithOffloadFolder(value) },
        "--dtype" => request with { Options = request.Options with { DType = TargetDType.Parse(value) } },
        "--ring" => request with { Options = request.Options with { RingBytes = ByteSize.Parse(value) } },
        "--readers" when int.TryParse(value, out var readers) => request with { Options = request.Options with { Readers = readers } },
        "--reads" => request with { Options = request.Options with { Reads = ReadModes.Parse(value) } },
        "--model" when KnownModels.TryCreate(value) is { } model => request with { Options = request.Options with { Model = model } },
        "--engine" => request with { Options = request.Options with { Engine = value } },
        "--interval" when int.TryParse(value, out var milliseconds) && milliseconds > 0 => request with { SampleInterval = TimeSpan.FromMilliseconds(milliseconds) },
        "--processes" when int.TryParse(value, out var processes) && processes > 0 => request with { Processes = processes },
        "--hold-at" => request with { HoldAt = value },
        "--warm" when value == "true" => request with { KeepsPageCache = true },
        "--companion" when value == "true" => request with { IsCompanion = true },
        "--verify" when value == "digest" => request with { VerifyDigests = true },
        "--verify" when value == "forward" => request with { Forward = new ForwardOptions() },
        "--passes" when int.TryParse(value, out var passes) && passes > 0 => request with { Passes = passes },
        "--use" when request.Passes > 0 => request with { Use = WeightUses.Parse(value) },
        "--heads" when request.Computation is not null && int.TryParse(value, out var heads) => WithForward(request, forward => forward with { Heads = heads }),
        "--resident" when request.Computation is not null => WithForward(request, forward => forward with { ResidentBytes = ByteSize.Parse(value) }),
        _ => throw new ArgumentException($"{option} {value} is not understood"),
    };

    private static LoadRequest WithForward(LoadRequest request, Func<ForwardOptions, ForwardOptions> change) =>
        request with { Forward = request.Forward is null ? null : change(request.Forward), UseForward = change(request.UseForward) };
}
