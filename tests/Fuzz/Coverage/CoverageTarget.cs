namespace Loadline.Fuzz.Coverage;

/// <summary>A reader that a coverage-guided fuzzer feeds: what an input is, and what is opened when it is written.</summary>
internal abstract class CoverageTarget
{
    private const int MaxSeedBytes = 32 << 10;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<CoverageTarget> All { get; } =
    [
        new PickleTarget(), new FileTarget("zip", CoverageWords.Zip), new SafetensorsTarget(),
        new FileTarget("legacy", CoverageWords.Pickle), new DistributedTarget(),
    ];

    /// <summary>By what it is chosen on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What the fuzzer may put into inputs as a whole: magic numbers, opcodes, names.</summary>
    public abstract IReadOnlyList<byte[]> Words { get; }

    /// <summary>Writes an input below a folder of this process's own, with what belongs around it.</summary>
    /// <returns>What to open.</returns>
    public abstract string Write(byte[] input, string scratch);

    /// <summary>What the fuzzer starts from: the fixtures of the kind, the small ones.</summary>
    public IEnumerable<byte[]> Seeds(Corpus corpus)
    {
        var random = new Random(1);
        foreach (var seed in corpus.Targets.SelectMany(t => t.Files).Select(f => SeedOf(f, corpus.Contents(f).ToArray())).OfType<byte[]>())
        {
            foreach (var input in (byte[][])[seed, Shared(random, seed)])
            {
                if (input.Length is > 0 and <= MaxSeedBytes) yield return input;
            }
        }
    }

    // A mutation of bytes does not find in an hour that a reference of two bytes behind another makes a list of a thousand.
    private static byte[] Shared(Random random, byte[] seed) => seed is [0x80, ..] ? PickleMutations.Shared(random, seed) : [];

    /// <summary>What of a fixture is an input; null where it is another kind.</summary>
    protected abstract byte[]? SeedOf(string file, byte[] contents);
}
