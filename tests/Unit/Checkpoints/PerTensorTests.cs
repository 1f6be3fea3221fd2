using Loadline.Checkpoints;
using Loadline.Checkpoints.PerTensor;
using Loadline.Unit.Faults;

namespace Loadline.Unit.Checkpoints;

public sealed class PerTensorTests
{
    [Fact]
    public void A_file_with_named_tensors_is_refused_by_its_own_name()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("odd/bare.pt"), folder["a.pt"]);
        File.Copy(Fixtures.Path("tied.pth"), folder["b.pt"]);

        var refusal = FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().Which;
        refusal.Error.Should().Be(CheckpointError.Malformed);
        refusal.Message.Should().StartWith(folder["b.pt"]).And.Contain("holds 2 named tensors");
    }

    [Fact]
    public void A_file_that_is_cut_is_refused_by_its_own_name()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.pt", File.ReadAllBytes(Fixtures.Path("odd/bare.pt")).AsSpan(..^1));

        var refusal = FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().Which;
        refusal.Error.Should().Be(CheckpointError.Truncated);
        refusal.Message.Should().StartWith(folder["a.pt"]);
    }

    [Fact]
    public void A_folder_of_an_optimizers_tensors_alone_is_one()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["optimizer.state.0.exp_avg.pt", "scheduler.last.pt"]) File.Copy(Fixtures.Path("odd/bare.pt"), folder[name]);

        using (var checkpoint = Checkpoint.Open(folder.Path))
            checkpoint.Entries.Select(e => e.Name).Should().Equal("optimizer.state.0.exp_avg", "scheduler.last");

        // What training leaves is none.
        foreach (var name in folder.Names) File.Copy(Fixtures.Path("tied.pth"), folder[name], overwrite: true);
        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.UnknownFormat);
    }

    [Fact]
    public void A_tensor_that_is_damaged_is_not_left_out_for_its_name()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("odd/bare.pt"), folder["model.weight.pt"]);
        foreach (var state in (string[])["optimizer.pt", "rng_state_0.pt", "zero_pp_rank_0_mp_rank_00_optim_states.pt"]) folder.Write(state, "damaged"u8);
        using (var checkpoint = Checkpoint.Open(folder.Path)) checkpoint.Entries.Should().ContainSingle("what training left does not matter");

        folder.Write("optimizer.state.0.exp_avg.pt", File.ReadAllBytes(Fixtures.Path("odd/bare.pt")).AsSpan(..^1));

        var refusal = FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().Which;
        refusal.Error.Should().Be(CheckpointError.Truncated);
        refusal.Message.Should().StartWith(folder["optimizer.state.0.exp_avg.pt"]);
    }

    [Fact]
    public void Other_files_in_the_folder_do_not_matter()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("odd/bare.pt"), folder["layer.weight.pt"]);
        folder.Write("config.json", "{}"u8);

        using var checkpoint = Checkpoint.Open(folder.Path);
        checkpoint.Entries.Should().ContainSingle().Which.Name.Should().Be("layer.weight");
    }

    [Fact]
    public void A_training_state_by_many_names_is_looked_through_once()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("odd/bare.pt"), folder["layer.weight.pt"]);
        File.Copy(Fixtures.Path("tied.pth"), folder["optimizer.pt"]);
        for (var i = 0; i < 100; i++) File.CreateSymbolicLink(folder[$"rng_state_{i}.pt"], folder["optimizer.pt"]);
        var reads = new CountingReads();

        using var index = PerTensorReader.Open(folder.Path, [.. folder.Names.Order(StringComparer.Ordinal)], reads);

        index.Entries.Should().ContainSingle();
        reads.Count.Should().BeLessThan(40);
    }

    [Fact]
    public void More_files_than_descriptors_are_read_with_few_descriptors()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 1100; i++) File.Copy(Fixtures.Path("odd/bare.pt"), folder[$"{i}.pt"]);

        using var checkpoint = Checkpoint.Open(folder.Path);
        Span<byte> bytes = stackalloc byte[48];
        foreach (var entry in checkpoint.Entries) checkpoint.Read(entry.Storage, 0, bytes);
        OpenFilesIn(folder.Path).Should().BeLessThanOrEqualTo(64);
    }

    private static int OpenFilesIn(string folder) => Directory.GetFiles("/proc/self/fd")
        .Count(fd => new FileInfo(fd).LinkTarget is { } target && target.StartsWith(folder, StringComparison.Ordinal));
}
