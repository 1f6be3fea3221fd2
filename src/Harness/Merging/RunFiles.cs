using Loadline.Harness.Results;

namespace Loadline.Harness.Merging;

/// <summary>Result files that a command is given for one run: a whole one, or its shards.</summary>
internal static class RunFiles
{
    /// <summary>Reads them, and puts shards together.</summary>
    /// <returns>The run; <see cref="ResultFile.Incomplete"/> where a shard ended early or is not among them.</returns>
    /// <exception cref="InputException">One cannot be read, or they are not of one run.</exception>
    public static ResultFile Read(IReadOnlyList<string> paths)
    {
        var parts = paths.Select(path => new RunPart(path, ResultFile.Read(path))).ToList();
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
