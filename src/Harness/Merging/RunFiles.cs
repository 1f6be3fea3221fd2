using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Merging;

/// <summary>Result files that a command is given for one run: a whole one, or its shards.</summary>
internal static class RunFiles
{
    /// <summary>Reads them, and puts shards together.</summary>
    /// <returns>The run; <see cref="ResultFile.Incomplete"/> where a shard ended early or is not among them.</returns>
    /// <exception cref="InputException">One cannot be read, or they are not of one run.</exception>
    public static ResultFile Read(IReadOnlyList<string> paths)
    {
        var (parts, excess) = (new List<RunPart>(), 0L);
        foreach (var path in paths)
        {
            parts.Add(new RunPart(path, ResultFile.Read(path, out _, out var excessBytes)));
            // What any file may take is for all of them.
            if ((excess += Math.Max(0, excessBytes)) > StrangersJson<ResultFile>.AlwaysBytes) throw new InputException($"{path}: with the files before it, tells more values than their bytes are good for");
        }

        return parts is [{ Results: { Shard: null } whole }] ? whole : Merge.Of(parts);
    }

    /// <summary>The same of a run that came to its end.</summary>
    /// <exception cref="InputException">As <see cref="Read"/>, or it did not, or measured nothing.</exception>
    public static ResultFile ReadWhole(IReadOnlyList<string> paths)
    {
        var results = Read(paths);
        results.RefuseUnended(string.Join(", ", paths));
        return results;
    }
}

/// <summary>A file with what it holds.</summary>
internal sealed record RunPart(string Path, ResultFile Results);
