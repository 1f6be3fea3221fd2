using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed unsafe class FileMappingTests
{
    private static readonly int Page = Environment.SystemPageSize;

    [Fact]
    public void Writing_to_a_copy_on_write_mapping_changes_the_memory_but_not_the_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("weights", new byte[2 * Page]);
        using var mapping = FileMapping.Open(path, MappingAccess.CopyOnWrite);

        mapping.Pointer[Page + 1] = 42;

        mapping.Pointer[Page + 1].Should().Be(42);
        File.ReadAllBytes(path).Should().OnlyContain(b => b == 0);
    }

    [Theory]
    [InlineData("None", null)]
    [InlineData("HugePages", "hg")]
    [InlineData("Sequential", "sr")]
    public void A_mapping_passes_on_what_it_is_advised(string advice, string? flag)
    {
        if (flag == "hg" && !Directory.Exists("/sys/kernel/mm/transparent_hugepage")) Assert.Skip("this kernel has no huge pages");
        using var folder = new TemporaryFolder();
        using var mapping = FileMapping.Open(folder.Write("weights", new byte[2 * Page]), MappingAccess.CopyOnWrite);
        var before = Flags();

        mapping.Advise(Enum.Parse<MappingAdvice>(advice));

        Flags().Except(before).Should().Equal(flag is null ? [] : [flag]);

        string[] Flags() => File.ReadLines("/proc/self/smaps").SkipWhile(l => !l.StartsWith($"{(nint)mapping.Pointer:x}-", StringComparison.Ordinal))
            .First(l => l.StartsWith("VmFlags:", StringComparison.Ordinal)).Split(' ');
    }

    [Fact]
    public void A_read_only_mapping_shows_the_file_and_cannot_be_written()
    {
        using var folder = new TemporaryFolder();
        using var mapping = FileMapping.Open(folder.Write("weights", [1, 2, 3]), MappingAccess.ReadOnly);

        mapping.Bytes.Should().Be(3);
        new ReadOnlySpan<byte>(mapping.Pointer, 3).ToArray().Should().Equal(1, 2, 3);
        PermissionsAt((nint)mapping.Pointer).Should().Be("r--p");
    }

    [Fact]
    public void An_empty_file_cannot_be_mapped()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("empty", []);
        FluentActions.Invoking(() => FileMapping.Open(path, MappingAccess.ReadOnly)).Should().Throw<CheckpointException>()
            .Which.Should().Match<CheckpointException>(e => e.Error == CheckpointError.Truncated && e.Message == $"{path}: is empty and cannot be mapped");
    }

    [Fact]
    public void A_missing_file_cannot_be_mapped() =>
        FluentActions.Invoking(() => FileMapping.Open("/nowhere/weights", MappingAccess.ReadOnly)).Should().Throw<CheckpointException>()
            .Which.Error.Should().Be(CheckpointError.NotFound);

    [Fact]
    public void A_file_that_became_shorter_than_its_headers_said_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("weights", new byte[100]);
        using var mapping = FileMapping.Open(path, MappingAccess.ReadOnly);
        FluentActions.Invoking(() => (nint)mapping.PointerTo(new StorageEntry(path, 90, 11))).Should().Throw<CheckpointException>()
            .Which.Error.Should().Be(CheckpointError.Truncated);
    }

    private static string PermissionsAt(nint address) =>
        File.ReadLines("/proc/self/maps").First(l => l.StartsWith($"{address:x}-", StringComparison.Ordinal)).Split(' ')[1];
}
