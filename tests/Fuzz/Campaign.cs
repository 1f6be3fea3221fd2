using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Loadline.Fuzz;

/// <summary>Tries all mutants in child processes, starts another where one died, and tells what was found and what the worst of them took.</summary>
internal sealed class Campaign(Options options)
{
    private const long BatchMutants = 2500;

    private readonly ConcurrentQueue<(long First, long Count)> _batches = new();
    private readonly Lock _lock = new();
    private readonly Sums _sums = new();
    private int _found;

    public int Run()
    {
        var clock = Stopwatch.StartNew();
        for (long first = 0; first < options.Mutants; first += BatchMutants) _batches.Enqueue((first, Math.Min(BatchMutants, options.Mutants - first)));
        var workers = Enumerable.Range(0, options.Workers).Select(_ => new Thread(Work)).ToList();
        workers.ForEach(w => w.Start());
        workers.ForEach(w => w.Join());

        Console.WriteLine(FormattableString.Invariant(
            $"{options.Mutants} mutants of seed {options.Seed} in {clock.Elapsed.TotalSeconds:0} s: {_sums.Refused} refused, {_sums.Loaded} loaded and compared, {_sums.Opened} opened; {_found} findings"));
        Console.WriteLine(
            $"the worst took {_sums.SlowestMilliseconds} ms of processor time (mutant {_sums.Slowest}: --only {_sums.Slowest} --seed {options.Seed}), allocated {ByteSize.Format(_sums.MostAllocatedBytes)} in all; "
            + $"no process held more than {ByteSize.Format(_sums.MostAnonymousBytes)} of anonymous memory");
        return _found == 0 ? 0 : 1;
    }

    private void Work()
    {
        while (_batches.TryDequeue(out var batch))
        {
            var (first, end) = (batch.First, batch.First + batch.Count);
            while (first < end) first = RunChild(first, end - first) + 1;
        }
    }

    /// <summary>Returns the number of the last mutant that was tried.</summary>
    private long RunChild(long first, long count)
    {
        using var child = Process.Start(Command(first, count))!;
        var errors = child.StandardError.ReadToEndAsync();
        var (last, isTold, isComplete) = (first, false, false);
        string? scratch = null;
        while (child.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith("in ", StringComparison.Ordinal)) scratch = line[3..];
            else if (line.StartsWith("at ", StringComparison.Ordinal)) (last, isTold) = (long.Parse(line.AsSpan(3), CultureInfo.InvariantCulture), false);
            else if (line.StartsWith("found ", StringComparison.Ordinal))
            {
                isTold = true;
                Found(line[6..]);
            }
            else if (Sums.TryParse(line) is { } sums)
            {
                isComplete = true;
                lock (_lock) _sums.Add(sums);
            }
        }

        child.WaitForExit();
        Scratch.Remove(scratch);
        if (!isComplete && !isTold) Found($"{last} took the process down, exit code {child.ExitCode}: {FirstLines(errors.Result)}");
        return last;
    }

    private ProcessStartInfo Command(long first, long count)
    {
        var command = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] keep = options.Keep is { } folder ? ["--keep", folder] : [];
        string[] arguments = [typeof(Campaign).Assembly.Location, .. keep, "--seed", $"{options.Seed}", "--child", $"{first}", $"{count}"];
        foreach (var argument in Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? arguments : arguments[1..]) command.ArgumentList.Add(argument);
        // Whatever a mutant makes of the managed heap beyond this is an OutOfMemoryException, and so a finding.
        command.Environment["DOTNET_GCHeapHardLimit"] = Child.HeapBytes.ToString("x", CultureInfo.InvariantCulture);
        command.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        return command;
    }

    private void Found(string what)
    {
        Interlocked.Increment(ref _found);
        lock (_lock) Console.WriteLine($"found: mutant {what}\n  again: fuzz --seed {options.Seed} --only {what.Split(' ')[0]}");
    }

    private static string FirstLines(string errors) => string.Join(" < ", errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(8));
}
