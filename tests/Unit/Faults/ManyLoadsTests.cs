using Loadline.Gauges;
using Loadline.Tensors.Engines;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Faults;

/// <summary>One process that loads again and again, as a server does that changes its model.</summary>
[Collection(nameof(Alone))]
public sealed class ManyLoadsTests : IDisposable
{
    private const int Loads = 1000;

    // Of tiny fixtures, of which the least has some KiB: a load that forgot its weights would show.
    private const long NoiseBytes = 4 * ByteSize.MiB;

    private readonly List<LoadCase> _cases = [.. LoadCase.All.Select(row => new LoadCase(row.Data.Item1, row.Data.Item2, row.Data.Item3))];

    public void Dispose() => _cases.ForEach(load => load.Dispose());

    [Fact]
    public void A_thousand_loads_of_all_strategies_and_formats_leave_no_memory_no_handle_and_no_mapping()
    {
        // What is compiled and kept once is there after a round of all.
        for (var i = 0; i < 2 * _cases.Count; i++) Load(i);
        var before = Held();

        for (var i = 0; i < Loads; i++) Load(i);

        var after = Held();
        _cases.ForEach(load => OpenInThisProcess.ShouldHaveNothingOf(load.Folder));
        // The runtime's own come and go; of a thousand loads there would be a thousand.
        after.Handles.Should().BeLessThan(before.Handles + Loads / 50);
        after.Maps.Should().BeLessThan(before.Maps + Loads / 50);
        (after.AnonymousBytes - before.AnonymousBytes).Should().BeLessThan(NoiseBytes);
        TestContext.Current.TestOutputHelper!.WriteLine($"{before} before, {after} after {Loads} loads");
    }

    private void Load(int i)
    {
        var load = _cases[i % _cases.Count];
        using var checkpoint = load.Open();
        using var model = load.Load(checkpoint, Engine.Create(EngineNames.Native));
        if (model.Count == 0) throw new InvalidOperationException("nothing was loaded");
    }

    private static (int Handles, int Maps, long AnonymousBytes) Held()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        // Else what the collector keeps for the next allocations comes and goes by ten MiB.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        using var process = ProcessMemory.Open();
        return (OpenInThisProcess.Handles("/").Count, File.ReadLines("/proc/self/maps").Count(), process.Read().AnonBytes);
    }
}
