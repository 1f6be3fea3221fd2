using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Zip;

/// <summary>
/// Names of an archive's records as PyTorch's reader compares them: it does not tell upper from lower case (miniz, without
/// <c>MZ_ZIP_FLAG_CASE_SENSITIVE</c>), and finds one record where Loadline finds another, or none.
/// </summary>
/// <param name="file">The archive.</param>
internal sealed class RecordNames(SourceFile file)
{
    // In a set that grows.
    private const int BytesPerName = 260;
    private const int StepsPerName = 40;

    // What PyTorch looks for by itself.
    private static readonly string[] Own = ["data.pkl", "constants.pkl", "byteorder", "version", ".format_version", ".storage_alignment", "data/", "constants/"];

    // Sources of TorchScript, which nobody but PyTorch reads.
    private const string CodeFolder = "code/";

    private HashSet<string>? _lowered;

    /// <summary>Takes in the name of one more record, below the archive's folder.</summary>
    /// <exception cref="CheckpointException">It is one of PyTorch's, in other case.</exception>
    public void Add(string name)
    {
        // PyTorch's own have none, but for its users' classes.
        if (!HasCapitals(name) || name.StartsWith(CodeFolder, StringComparison.Ordinal)) return;
        file.Ledger.Charge(BytesPerName + sizeof(char) * (long)name.Length);
        file.Ledger.Work(StepsPerName + name.Length / 4);
        var lower = Lowered(name);
        if (!(_lowered ??= []).Add(lower)) throw Twins(name);
        if (Array.Exists(Own, own => Is(lower, own) && !Is(name, own)))
            throw file.Refuse(CheckpointError.Malformed, $"record '{name}' is '{lower}' to PyTorch, which does not tell upper from lower case");
    }

    /// <summary>Once all are known.</summary>
    /// <param name="isThere">Whether there is a record of a name.</param>
    /// <exception cref="CheckpointException">Two are one to PyTorch.</exception>
    public void RefuseTwins(Func<string, bool> isThere)
    {
        foreach (var name in _lowered ?? [])
        {
            if (isThere(name)) throw Twins(name);
        }
    }

    private CheckpointException Twins(string name) =>
        file.Refuse(CheckpointError.Malformed, $"has two records whose names differ from '{name}' in nothing but upper and lower case");

    // Of ASCII alone, as miniz does it.
    private static string Lowered(string name) => string.Create(name.Length, name, static (lower, name) =>
    {
        for (var i = 0; i < name.Length; i++) lower[i] = name[i] is >= 'A' and <= 'Z' ? (char)(name[i] | ' ') : name[i];
    });

    private static bool Is(string name, string own) => own.EndsWith('/') ? name.StartsWith(own, StringComparison.Ordinal) : name == own;

    // Not by the framework's search, which is compiled when a process first loads.
    private static bool HasCapitals(string name)
    {
        foreach (var c in name)
        {
            if (c is >= 'A' and <= 'Z') return true;
        }

        return false;
    }
}
