namespace Loadline.Checkpoints.Files;

/// <summary>The names of a folder's files, and what they say by themselves. Nothing is opened.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Names">In the order of their bytes, which no culture changes.</param>
internal sealed record FolderFiles(string Folder, IReadOnlyList<string> Names)
{
    private static readonly string[] WeightExtensions = [".safetensors", ".bin", ".pth", ".ckpt"];

    // What Transformers, Accelerate, Lightning and DeepSpeed leave beside a model.
    private static readonly string[] TrainingStates = ["optimizer", "scheduler", "lr_scheduler", "scaler", "rng_state", "random_states", "training_args", "trainer_state", "sampler"];

    // Of a folder of a million.
    private const int MostNamed = 20;

    /// <summary>Names in a line: of many the first.</summary>
    public static string Some(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");

    /// <summary>Lists a folder.</summary>
    /// <exception cref="CheckpointException">It cannot be listed.</exception>
    public static FolderFiles Of(string folder)
    {
        try
        {
            var names = Array.ConvertAll(Directory.GetFiles(folder), path => Path.GetFileName(path));
            Array.Sort(names, StringComparer.Ordinal);
            return new FolderFiles(folder, names);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(CheckpointError.Unreadable, folder, $"cannot be listed: {e.Message}", inner: e);
        }
    }

    /// <summary>Whether a file is there.</summary>
    public bool Has(string name) => Names.Contains(name);

    /// <summary>The path of a file.</summary>
    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Files that end so and are no training state.</summary>
    public List<string> EndingIn(string extension) => [.. Names.Where(name => name.EndsWith(extension, StringComparison.Ordinal) && !IsTrainingState(name))];

    /// <summary>Whole checkpoints by their extension: no parts of any, and no training states.</summary>
    public List<string> Weights => [.. Names.Where(name => WeightExtensions.Contains(Path.GetExtension(name)) && !IsShard(name) && !IsTrainingState(name))];

    /// <summary>Whether a name is one of those that training leaves beside a model: <c>optimizer.pt</c>, <c>rng_state_0.pth</c>, <c>random_states_0.pkl</c>, ….</summary>
    public static bool IsTrainingState(string name)
    {
        if (name.EndsWith("_optim_states.pt", StringComparison.Ordinal)) return true;
        var stem = name.AsSpan(0, Math.Max(0, name.IndexOf('.'))).TrimEnd("0123456789").TrimEnd('_').ToString();
        return TrainingStates.Contains(stem);
    }

    /// <summary>Whether a name is that of a part, as in <c>model-00001-of-00003.safetensors</c>: an index says what it belongs to.</summary>
    public static bool IsShard(string name)
    {
        var stem = Path.GetFileNameWithoutExtension(name).AsSpan();
        var of = stem.LastIndexOf("-of-");
        if (of < 0 || of + 9 > stem.Length || of < 6) return false;
        return Digits(stem.Slice(of + 4, 5)) && Digits(stem.Slice(of - 5, 5)) && stem[of - 6] == '-';

        static bool Digits(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9');
    }
}
