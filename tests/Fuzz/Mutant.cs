namespace Loadline.Fuzz;

/// <summary>A damaged checkpoint, written to a scratch folder.</summary>
/// <param name="Target">What it was.</param>
/// <param name="Path">What to open.</param>
/// <param name="Bytes">Its length, with all parts.</param>
internal sealed record Mutant(Target Target, string Path, long Bytes)
{
    /// <summary>Makes the mutant of a number; the same seed gives the same bytes.</summary>
    public static Mutant Make(Corpus corpus, int seed, long number, string scratch)
    {
        var random = new Random(HashOf(seed, number));
        var target = corpus.Targets[random.Next(corpus.Targets.Count)];
        var damaged = target.Files[random.Next(target.Files.Length)];
        var bytes = Mutations.Apply(random, corpus.Contents(damaged).ToArray(), corpus);
        if (target.Folder is null)
        {
            var path = System.IO.Path.Combine(scratch, "mutant" + System.IO.Path.GetExtension(damaged));
            File.WriteAllBytes(path, bytes);
            return new Mutant(target, path, bytes.Length);
        }

        var folder = System.IO.Path.Combine(scratch, "folder");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        long total = 0;
        var isIncomplete = random.Next(32) == 0;
        foreach (var file in target.Files)
        {
            if (isIncomplete && file == damaged) continue;
            var contents = file == damaged ? bytes : corpus.Contents(file);
            File.WriteAllBytes(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(file)), contents);
            total += contents.Length;
        }

        return new Mutant(target, folder, total);
    }

    // HashCode is different in every process.
    private static int HashOf(int seed, long number)
    {
        var mixed = unchecked(((ulong)number + 1) * 0x9E3779B97F4A7C15 ^ (ulong)(uint)seed * 0xBF58476D1CE4E5B9);
        return (int)((mixed ^ mixed >> 31) & int.MaxValue);
    }
}
