using Loadline.Checkpoints;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Faults;

/// <summary>A load reads some dozens of times. Each of these reads fails once.</summary>
public sealed class ReadFaultTests
{
    public static TheoryData<string, string, string> Loads => LoadCase.All;

    [Theory]
    [MemberData(nameof(Loads))]
    public void A_read_that_fails_anywhere_is_one_clear_error_and_leaves_nothing(string strategy, string device, string fixture)
    {
        using var load = new LoadCase(strategy, device, fixture);
        var (opening, all) = CountReads(load);
        all.Should().BeGreaterThan(0);
        foreach (var fault in ReadFault.All)
        {
            for (var k = 1; k <= all; k++)
            {
                var error = Fail(load, new FailingReads(k, fault));

                error.Should().NotBeNull($"read {k} of {all} met {fault.Name}");
                error!.Error.Should().Be(fault.Error);
                error.File.Should().StartWith(load.Path);
                error.Message.Should().StartWith(error.File + ": ").And.MatchRegex(fault.Error == CheckpointError.Truncated ? "expected|needs" : "cannot be read at \\d+: (Input|Permission)");
                error.Message.Should().NotContain("\n");
                if (k > opening) error.Tensor.Should().NotBeNull("a read of weights is of some tensor's");
            }

            OpenInThisProcess.ShouldHaveNothingOf(load.Folder);
        }

        load.ShouldLoad();
    }

    [Theory]
    [MemberData(nameof(Loads))]
    public void Reads_that_give_less_than_was_asked_for_are_continued(string strategy, string device, string fixture)
    {
        using var load = new LoadCase(strategy, device, fixture);
        using var checkpoint = load.Open(new ShortReads());
        using var model = load.Load(checkpoint, Engine.Create(EngineNames.Native));

        using var expected = load.Open();
        foreach (var entry in expected.Entries) Strategies.LoadedTensor.ShouldHold(model[entry.Name], Checkpoints.NaiveBytes.Read(expected, entry));
    }

    // Of opening alone, and with the load.
    private static (int Opening, int All) CountReads(LoadCase load)
    {
        var reads = new FailingReads();
        using var checkpoint = load.Open(reads);
        var opening = reads.Count;
        using var model = load.Load(checkpoint, Engine.Create(EngineNames.Native));
        return (opening, Math.Max(opening, reads.Count));
    }

    /// <summary>Loads once with the fault and, where the checkpoint could be opened, once more after it.</summary>
    private static CheckpointException? Fail(LoadCase load, FailingReads reads)
    {
        var engine = Engine.Create(EngineNames.Native);
        try
        {
            using var checkpoint = load.Open(reads);
            try
            {
                using var model = load.Load(checkpoint, engine);
                return null;
            }
            catch (CheckpointException e)
            {
                (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0), "nothing stays half-loaded");
                // The fault has passed: the same open checkpoint is as good as before.
                using var model = load.Load(checkpoint, Engine.Create(EngineNames.Native));
                return e;
            }
        }
        catch (CheckpointException e)
        {
            return e;
        }
    }

    /// <summary>Three bytes at a time, whatever is asked for.</summary>
    private sealed class ShortReads : Loadline.Checkpoints.Files.PositionedReads
    {
        protected override int ReadSome(Microsoft.Win32.SafeHandles.SafeFileHandle file, long position, Span<byte> destination) =>
            base.ReadSome(file, position, destination[..Math.Min(3, destination.Length)]);
    }
}
