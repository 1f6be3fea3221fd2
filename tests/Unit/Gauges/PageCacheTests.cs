using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed partial class PageCacheTests : IDisposable
{
    private const int FileBytes = 3 * 1024 * 1024 + 5;

    private readonly TemporaryFolder _folder = new(onDisk: true);

    [Fact]
    public void A_file_that_was_just_written_is_resident_and_after_eviction_cold()
    {
        var file = Write("a.bin", FileBytes);

        PageCache.Residency(file).Should().Be(new PageResidency(FileBytes, FileBytes));
        PageCache.Evict(file).Should().Be(new PageResidency(FileBytes, 0));
        PageCache.Residency(file).IsCold.Should().BeTrue();
    }

    [Fact]
    public void One_page_that_was_read_is_seen()
    {
        var file = Write("a.bin", FileBytes);
        PageCache.Evict(file);

        using var handle = File.OpenHandle(file, options: FileOptions.RandomAccess);
        RandomAccess.Read(handle, new byte[1], FileBytes - 1);

        var residency = PageCache.Residency(file);
        residency.ResidentBytes.Should().BeInRange(1, FileBytes - 1);
        residency.IsCold.Should().BeFalse();
    }

    [Fact]
    public void Holes_are_not_walked_and_data_behind_them_is_seen()
    {
        // Page by page four TiB would take half a minute.
        var file = Write("hole.bin", FileBytes);
        using (var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write))
        {
            RandomAccess.SetLength(handle, 4L << 40);
            RandomAccess.Write(handle, new byte[8192], 3L << 40);
        }

        PageCache.Residency(file).ResidentBytes.Should().BeInRange(FileBytes + 8192, FileBytes + 8192 + 2 * 65536);
        PageCache.Evict(file).IsCold.Should().BeTrue();
    }

    [Fact]
    public void Who_may_only_read_a_file_can_tell_whether_it_is_cached()
    {
        var file = Write("a.bin", FileBytes);
        using var handle = File.OpenHandle(file);
        PageCache.Probed(handle).Should().Be(new PageResidency(FileBytes, FileBytes));

        PageCache.Evict(file);

        // A few of the places may lie in one page, and to ask began to read.
        PageCache.Probed(handle).ResidentBytes.Should().BeLessThanOrEqualTo(FileBytes / 8);
    }

    [Fact]
    public void A_file_that_somebody_has_mapped_stays_warm_and_the_answer_says_so()
    {
        var file = Write("a.bin", FileBytes);
        using var mapping = MemoryMappedFile.CreateFromFile(file, FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.Read);
        using var view = mapping.CreateViewAccessor(0, FileBytes, MemoryMappedFileAccess.Read);
        for (var at = 0; at < FileBytes; at += 4096) view.ReadByte(at);

        PageCache.Evict(file).IsCold.Should().BeFalse();
    }

    [Fact]
    public void Links_to_folders_are_not_followed_and_what_has_no_pages_is_passed_over()
    {
        Write("a.pt", 4097);
        // Followed, two links to the folder they lie in make 2^40 paths.
        foreach (var link in (string[])["x", "y"]) Directory.CreateSymbolicLink(Path.Join(_folder.Path, link), ".");
        File.CreateSymbolicLink(Path.Join(_folder.Path, "zero.pt"), "/dev/zero");

        PageCache.Evict(_folder.Path).FileBytes.Should().Be(4097);
    }

    [Fact]
    public void A_folder_is_all_its_files()
    {
        Write("a.pt", 4097);
        Write("sub/b.pt", FileBytes);
        Write("empty.pt", 0);

        PageCache.Residency(_folder.Path).Should().Be(new PageResidency(4097 + FileBytes, 4097 + FileBytes));
        PageCache.Evict(_folder.Path).Should().Be(new PageResidency(4097 + FileBytes, 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    [InlineData(128)]
    public void A_look_at_some_places_of_a_long_file_estimates_what_is_cached(int cachedMiB)
    {
        const int lengthMiB = 128;
        var file = Write("long.bin", lengthMiB << 20);
        PageCache.Evict(file);
        using (var handle = File.OpenHandle(file))
        {
            // What the kernel would read ahead could come between the two looks.
            _ = Libc.posix_fadvise(handle, 0, 0, Libc.FileAdviceRandom);
            RandomAccess.Read(handle, new byte[cachedMiB << 20], 0);
        }

        // Held against the count of every page: now and then the kernel drops a folio that was just read.
        var (estimated, counted) = (PageCache.SampledResidency(file), PageCache.Residency(file));
        estimated.FileBytes.Should().Be((long)lengthMiB << 20);
        ((double)estimated.ResidentBytes!).Should().BeApproximately((double)counted.ResidentBytes!, 2 << 20);
        counted.ResidentBytes.Should().BeInRange((cachedMiB - cachedMiB / 8L) << 20, (long)cachedMiB << 20);
    }

    [Fact]
    public void A_sparse_file_longer_than_one_look_is_counted_to_its_end()
    {
        var file = Write("sparse.bin", 0);
        const long Length = 200L * 1024 * 1024;
        using (var handle = File.OpenHandle(file, access: FileAccess.Write)) RandomAccess.Write(handle, new byte[4096], Length - 4096);

        var residency = PageCache.Residency(file);
        residency.FileBytes.Should().Be(Length);
        residency.ResidentBytes.Should().BeInRange(4096, Length / 2);
    }

    [Fact]
    public void An_empty_file_is_cold() => PageCache.Evict(Write("empty.bin", 0)).IsCold.Should().BeTrue();

    [Fact]
    public void A_missing_file_is_an_error()
    {
        var evict = () => PageCache.Evict(Path.Join(_folder.Path, "none"));

        evict.Should().Throw<GaugeException>().WithMessage("*/none: *");
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Another_users_file_is_neither_called_warm_nor_cold()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can act as another user");
        // Not in the scratch folder: others may have no way into the folders above it.
        var file = Path.Join(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllBytesAsync(file, new byte[FileBytes], TestContext.Current.CancellationToken);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);

        var residency = await AsAnotherUser(() => PageCache.Residency(file));

        File.Delete(file);
        residency.Should().Be(new PageResidency(FileBytes, ResidentBytes: null));
        residency.IsCold.Should().BeFalse("what is not known is not promised");
    }

    public void Dispose() => _folder.Dispose();

    private string Write(string name, int bytes)
    {
        var path = Path.Join(_folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, new byte[bytes]);
        return path;
    }

    // The identity for file access belongs to one thread. What awaits the task goes on there, so it must be given back.
    private static Task<T> AsAnotherUser<T>(Func<T> action) => Task.Run(() =>
    {
        const int Nobody = 65534;
        var self = setfsuid(Nobody);
        try
        {
            return action();
        }
        finally
        {
            _ = setfsuid(self);
        }
    });

    [LibraryImport("libc")]
    private static partial int setfsuid(int user);
}
