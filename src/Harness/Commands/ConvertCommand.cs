using System.CommandLine;
using System.Diagnostics;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline convert</c>: a checkpoint in another format or dtype, in this process or under a cap.</summary>
internal static class ConvertCommand
{
    private const int NamedValues = 3;

    public static Command Create(HarnessServices services)
    {
        var path = CommandOptions.Path("IN", "the checkpoint, a file or a folder");
        var target = CommandOptions.Path("OUT", "the file, or the folder of a sharded or per-tensor checkpoint; an older checkpoint there is replaced");
        var format = CommandOptions.Format("pth");
        var dtype = CommandOptions.DType("convert all floating-point tensors to it", [.. DTypeConversion.Targets.Select(d => d.Name)]);
        var overflow = new Option<bool>("--allow-overflow") { Description = "write infinity for values too large for the dtype, instead of refusing them" };
        var shardSize = CommandOptions.Size("--shard-size", $"what a shard of a sharded checkpoint holds at most, {ByteSize.FormatExact(CheckpointWriter.DefaultShardBytes)} by default");
        var force = CommandOptions.Force();
        var command = new Command("convert", "Write a checkpoint in another format or dtype, in bounded memory.") { path, target, format, dtype, overflow, shardSize, force };
        var cap = new CapOptions().AddTo(command);
        var names = new NameOptions().AddTo(command);
        command.Check(result =>
        {
            if (result.GetResult(target) is not { Tokens: [var token] }) return;
            if (result.GetResult(shardSize) is not null && CommandOptions.FormatNamed(result.GetValue(format), token.Value) != CheckpointFormat.Sharded)
            {
                result.AddError("--shard-size needs --format sharded");
            }
            else if (result.GetValue(overflow) && result.GetResult(dtype) is null)
            {
                result.AddError("--allow-overflow needs --dtype: without it no value changes");
            }
        });
        command.SetAction(async (parse, cancellation) =>
        {
            _ = DType.TryParse(parse.GetValue(dtype), out var type);
            var request = new ConversionRequest(Path.GetFullPath(parse.GetValue(path)!), Path.GetFullPath(parse.GetValue(target)!), new ConversionOptions
            {
                Format = CommandOptions.FormatOf(parse.GetValue(format), parse.GetValue(target)!),
                DType = type,
                ShardBytes = parse.GetValue(shardSize) ?? CheckpointWriter.DefaultShardBytes,
                AllowOverflow = parse.GetValue(overflow),
            })
            { Names = names.Of(parse) };
            var isFolder = request.Options.Format is CheckpointFormat.PerTensor or CheckpointFormat.Sharded;
            if (!isFolder && Directory.Exists(request.Target)) throw new InputException($"{parse.GetValue(target)}: is a folder: name a file inside it");
            using var source = Checkpoint.Open(parse.GetValue(path)!);
            Replacing.RefuseLoss(parse.GetValue(target)!, parse.GetValue(force), source);
            return await ConvertAsync(services, source, request, cap.Of(parse), cancellation);
        });
        return command;
    }

    private static async Task<int> ConvertAsync(
        HarnessServices services, Checkpoint source, ConversionRequest request, CapChoice? cap, CancellationToken cancellation)
    {
        var outcome = await ProgressLine.ShowAsync(services.Console, request.Target, progress => cap is not null
            ? UnderCapAsync(services, source, request, cap, progress, cancellation)
            : Task.Run(() => InProcess(source, request, progress, cancellation), cancellation));
        if (outcome.Converted is not { } converted)
        {
            services.Error.WriteLine($"loadline: {PrintableText.Escape(outcome.Problem ?? "")}");
            return outcome.ExitCode;
        }

        Print(services, source, request, converted, cap?.Bytes);
        return outcome.ExitCode;
    }

    private static ConversionOutcome InProcess(Checkpoint source, ConversionRequest request, Action<double> progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var report = CheckpointConverter.Convert(
            source.Select(request.Names), request.Target, request.Options with { PendingPath = PendingCheckpoints.Begin(request.Target) }, progress, cancellation);
        return new ConversionOutcome(ExitCodes.Loaded, new ConvertedEvent(report, clock.Elapsed.TotalSeconds), null);
    }

    private static async Task<ConversionOutcome> UnderCapAsync(
        HarnessServices services, Checkpoint source, ConversionRequest request, CapChoice cap, Action<double> progress, CancellationToken cancellation)
    {
        await using var runtime = await services.OpenRuntime(cap.Runtime, services.FindWorker(), cancellation);
        return await new CappedConverter(runtime).RunAsync(source, request, cap.Bytes, progress, cancellation);
    }

    private static void Print(HarnessServices services, Checkpoint source, ConversionRequest request, ConvertedEvent converted, long? capBytes)
    {
        var (report, format) = (converted.Report, request.Options.Format.Name());
        var dtype = request.Options.DType is { } target ? $", {report.ConvertedTensors} of them converted to {target}" : "";
        var cap = capBytes is { } bytes ? $", under {SizeText.InWords(bytes)}" : "";
        services.Out.WriteLine(
            $"{PrintableText.Escape(request.Target)}: {format}, {(report.Tensors == 1 ? "1 tensor" : $"{report.Tensors} tensors")}{dtype}, {ByteSize.Format(report.Bytes)}, "
            + $"made in {RunSummary.Duration(TimeSpan.FromSeconds(converted.Seconds))}{cap}");
        if (request.Options.Format is not (CheckpointFormat.Safetensors or CheckpointFormat.Sharded) && LeftOut(source.Select(request.Names)) is { } leftOut)
        {
            services.Out.WriteLine($"note: {leftOut}: {format} has no place for such");
        }

        foreach (var note in source.Notes) services.Out.WriteLine($"note: {PrintableText.Escape(note)}");
        if (report.UntiedTensors == 0) return;
        services.Out.WriteLine(
            $"{report.UntiedTensors} of them {(report.UntiedTensors == 1 ? "shares its" : "share their")} elements with others in {PrintableText.Escape(source.Path)}, "
            + $"and {format} has no ties: each was written out ({ByteSize.Format(report.UntiedBytes)} more); pth keeps ties");
    }

    // What training left is why some keep the old file.
    private static string? LeftOut(Checkpoint source)
    {
        var named = source.Metadata.Keys.Where(key => key.Length > 0 && !key.EndsWith("__class__", StringComparison.Ordinal) && key != "format").ToList();
        if (named.Count == 0) return null;
        var few = string.Join(", ", named.Take(NamedValues).Select(name => PrintableText.Shorten(PrintableText.Escape(name), 60)));
        var (values, others) = (named.Count == 1 ? "1 value" : $"{named.Count} values", named.Count > NamedValues ? ", …" : "");
        return $"{values} beside the tensors {(named.Count == 1 ? "is" : "are")} not written ({few}{others})";
    }
}
