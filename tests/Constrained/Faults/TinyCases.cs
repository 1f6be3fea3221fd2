using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;

namespace Loadline.Constrained.Faults;

/// <summary>A folder with three small checkpoints, and a budget file with a case for each way in which a load may end.</summary>
internal sealed class TinyCases : IDisposable
{
    /// <summary>Held in memory it is more than <see cref="Cap"/>; on the disk it is a hole.</summary>
    public const long HoleBytes = 128 * ByteSize.MiB;

    private const string Cap = "64MiB";

    private readonly TemporaryFolder _folder = new();

    public TinyCases()
    {
        var tiny = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "gpt2-tiny.safetensors"));
        File.WriteAllBytes(Tiny, tiny);
        File.WriteAllBytes(At("cut.safetensors"), tiny[..^1]);
        using var writer = CheckpointWriter.Create(
            At("hole.safetensors"), CheckpointFormat.Safetensors, [new TensorDeclaration("w", DType.Float32, [HoleBytes / 4])], sparse: true);
        writer.WriteHole(HoleBytes);
        writer.Commit();
    }

    /// <summary>The cases of the file, by their outcome.</summary>
    public static IReadOnlyList<(string Name, string Checkpoint, string Strategy, string Device)> All { get; } =
    [
        ("loaded", "tiny", "eager", "cpu"),
        ("killed", "hole", "eager", "cpu"),
        ("device-oom", "tiny", "streamed", "sim:1KiB"),
        ("refused", "cut", "mmap-assign", "cpu"),
    ];

    /// <summary>The checkpoint that loads.</summary>
    public string Tiny => At("tiny.safetensors");

    public string At(string name) => _folder[name];

    /// <summary>A load of <see cref="Tiny"/> that survives.</summary>
    public static BudgetCase Loading(string strategy) => new()
    {
        Name = "tiny",
        Checkpoint = "tiny",
        Strategy = strategy,
        Device = "cpu",
        CapBytes = ByteSize.Parse(Cap),
        Expect = Outcome.Loaded,
        Verify = "digest",
        Why = "it is small",
    };

    /// <summary>Writes a budget file in which each case of <see cref="All"/> stands several times.</summary>
    public string WriteBudgets(int times = 1)
    {
        var cases = Enumerable.Range(0, times).SelectMany(i => All.Select(c => new
        {
            name = $"{c.Name} {i}",
            checkpoint = c.Checkpoint,
            strategy = c.Strategy,
            device = c.Device,
            cap = Cap,
            expect = c.Name,
            why = "it always is",
        }));
        return WriteBudgets(All.Select(c => c.Checkpoint).Distinct().ToDictionary(name => name, name => (object)new { path = At(name + ".safetensors") }), cases);
    }

    /// <summary>Writes a budget file of any checkpoints and cases.</summary>
    public string WriteBudgets(IReadOnlyDictionary<string, object> checkpoints, IEnumerable<object> cases)
    {
        var path = At("budgets.json");
        File.WriteAllText(path, JsonSerializer.Serialize(new { checkpoints, cases }));
        return path;
    }

    public void Dispose() => _folder.Dispose();
}
