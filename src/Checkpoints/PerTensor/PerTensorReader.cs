using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Formats;
using Loadline.Checkpoints.Index;

namespace Loadline.Checkpoints.PerTensor;

/// <summary>
/// Reads a folder of <c>.pt</c> files with one bare tensor each; a tensor's name is its file's without the extension. Other files do not matter.
/// </summary>
internal static class PerTensorReader
{
    public const string Extension = ".pt";

    private const int MaxListed = 8;

    // To open a file and to close it.
    private const int StepsPerFile = 1000;

    /// <summary>Opens a folder of such files; where one of them is a whole checkpoint, and the only one that is no training state, that one.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="names">Its files of the extension.</param>
    /// <param name="positioned">How they are read.</param>
    /// <param name="looks">Of what was looked at before.</param>
    public static CheckpointIndex Open(string folder, string[] names, PositionedReads positioned, Ledger? looks = null)
    {
        var (files, entries) = (new List<string>(names.Length), new List<TensorEntry>(names.Length));
        var (reads, ledger) = (new FileReads(positioned), looks ?? new Ledger());
        var (states, damaged) = (new HashSet<string>(), new HashSet<string>());
        foreach (var name in names)
        {
            var path = Path.Combine(folder, name);
            ledger.Work(StepsPerFile);
            var isState = FolderFiles.IsTrainingState(name);
            var maybeDamaged = isState && !IsOfModule(name);
            // A file by many names is looked through once.
            var identity = isState ? FileIdentity.Of(path)?.File : null;
            if (identity is not null && (states.Contains(identity) || (maybeDamaged && damaged.Contains(identity)))) continue;
            using var file = SourceFile.Open(path, positioned, ledger);
            // Closes the file at once: thousands of open files would be more than a process may have. What is damaged is passed over only where it is no tensor's name.
            using var checkpoint = maybeDamaged ? TryRead(file) : FileFormats.ReadPart(file);
            if (checkpoint is { Unloadable.Count: 0, Entries: [{ Name: "" } bare] })
            {
                // A tensor may be named as a state is.
                reads.Expect(file);
                files.Add(path);
                entries.Add(bare with { Name = Path.GetFileNameWithoutExtension(name) });
            }
            else if (!isState)
            {
                return names.Count(n => !FolderFiles.IsTrainingState(n)) == 1
                    ? FileFormats.Open(path, positioned).OpenedBy(folder)
                    : throw NotBare(file, checkpoint!, folder, names);
            }
            else if (identity is not null)
            {
                (checkpoint is null ? damaged : states).Add(identity);
            }
        }

        return new CheckpointIndex(folder, CheckpointFormat.PerTensor, files, entries, new Dictionary<string, string>(), reads);
    }

    // As in optimizer.state.0.exp_avg.pt: what training leaves is called optimizer.pt, scheduler.pt, rng_state_0.pth.
    private static bool IsOfModule(string name) => Path.GetFileNameWithoutExtension(name).Contains('.');

    // Of a state that training left beside the tensors nothing is wanted, and so nothing of it is refused.
    private static CheckpointIndex? TryRead(SourceFile file)
    {
        try
        {
            return FileFormats.ReadPart(file);
        }
        // What opening all of them may cost is no longer the state's alone.
        catch (CheckpointException) when (!file.Ledger.IsSpent)
        {
            return null;
        }
    }

    private static CheckpointException NotBare(SourceFile file, CheckpointIndex checkpoint, string folder, string[] names)
    {
        var whole = names.Where(n => !FolderFiles.IsTrainingState(n)).Take(MaxListed).ToList();
        return file.Refuse(
            CheckpointError.Malformed,
            $"holds {checkpoint.Entries.Count + checkpoint.Unloadable.Count} named tensors, but in a folder of one file per tensor each holds one bare tensor; if these are checkpoints, "
            + $"name one of {string.Join(", ", whole)} in {folder}");
    }
}
