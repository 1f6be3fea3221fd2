using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class FileReadsTests
{
    [Fact]
    public void A_file_that_is_cut_after_opening_is_an_error_with_position_expected_and_found()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("tied.pth"), folder["a.pth"]);
        using var checkpoint = Checkpoint.Open(folder["a.pth"]);
        var storage = checkpoint.Storages[0];
        using (var file = File.OpenWrite(folder["a.pth"])) file.SetLength(storage.Position + 10);

        var error = FluentActions.Invoking(() => checkpoint.Read(storage, 0, new byte[60])).Should().Throw<CheckpointException>().Which;
        error.Error.Should().Be(CheckpointError.Truncated);
        error.Message.Should().StartWith(folder["a.pth"]).And.Contain($"60 bytes at {storage.Position}").And.Contain("found 10");
    }

    [Fact]
    public void A_file_that_is_replaced_after_opening_is_read_as_it_was()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path("tied.pth"), folder["a.pth"]);
        using var checkpoint = Checkpoint.Open(folder["a.pth"]);
        File.Delete(folder["a.pth"]);
        folder.Write("a.pth", new byte[4096]);

        var bytes = new byte[60];
        checkpoint.Read(checkpoint.Storages[0], 0, bytes);
        bytes.Should().Contain(b => b != 0);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(60, 1)]
    [InlineData(0, 61)]
    public void A_read_outside_the_storage_is_refused(long offset, int count)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("tied.pth"));
        FluentActions.Invoking(() => checkpoint.Read(checkpoint.Storages[0], offset, new byte[count])).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_disposed_checkpoint_does_not_read()
    {
        var checkpoint = Checkpoint.Open(Fixtures.Path("tied.pth"));
        checkpoint.Dispose();
        FluentActions.Invoking(() => checkpoint.Read(checkpoint.Storages[0], 0, new byte[1])).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Reads_do_not_allocate()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        var bytes = new byte[16];
        foreach (var storage in checkpoint.Storages) checkpoint.Read(storage, 0, bytes);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) checkpoint.Read(checkpoint.Storages[i % 50], 0, bytes);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(100, "100 reads that allocate would take thousands of bytes");
    }

    [Theory]
    [InlineData("gpt2-tiny.pth")]
    [InlineData("gpt2-tiny-parameters")]
    [InlineData("odd/deflated.pth")]
    public void Many_threads_read_the_same_bytes_as_one(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        var expected = checkpoint.Entries.ToDictionary(e => e.Name, e => NaiveBytes.Read(checkpoint, e));

        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var entry = checkpoint.Entries[i * 7 % checkpoint.Entries.Count];
            NaiveBytes.Read(checkpoint, entry).Should().Equal(expected[entry.Name]);
        });
    }

    [Fact]
    public void A_compressed_record_is_read_from_any_place_in_any_order_but_not_mapped()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/deflated.pth"));
        checkpoint.TryFind("counting", out var entry).Should().BeTrue();
        var storage = entry!.Storage;

        storage.IsMappable.Should().BeFalse();
        foreach (var index in (int[])[0, 500, 501, 20, 999, 0]) ReadFloat(checkpoint, storage, index).Should().Be(index);
    }

    [Fact]
    public unsafe void A_compressed_record_has_no_place_in_a_mapping()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/deflated.pth"));
        using var mapping = FileMapping.Open(checkpoint.Path, MappingAccess.ReadOnly);
        FluentActions.Invoking(() => (nint)mapping.PointerTo(checkpoint.Storages[0])).Should().Throw<CheckpointException>()
            .Which.Message.Should().Contain("read but not mapped");
    }

    private static float ReadFloat(Checkpoint checkpoint, StorageEntry storage, int index)
    {
        var bytes = new byte[4];
        checkpoint.Read(storage, 4L * index, bytes);
        return BitConverter.ToSingle(bytes);
    }
}
