using System.IO.Compression;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Zip;
using Loadline.Gauges;
using Loadline.Unit.Checkpoints.Pth;
using Loadline.Unit.Faults;

namespace Loadline.Unit.Checkpoints.Zip;

/// <summary>What opening an archive whose records have headers all over it leaves in the page cache.</summary>
public sealed class ScatteredReadsTests : IDisposable
{
    private const int Tensors = 300;
    private const int TensorBytes = 64 * 1024;
    private readonly TemporaryFolder _folder = new(onDisk: true);

    [Fact]
    public void An_archive_that_was_on_the_disk_only_stays_there()
    {
        var path = Write();
        if (!PageCache.Evict(path).IsCold) Assert.Skip("this filesystem keeps its pages");

        Open(path);

        // What holds the pickle and the directory, and what the kernel reads around it, but not a page for each record.
        PageCache.Residency(path).ResidentBytes.Should().BeLessThan(Tensors * Environment.SystemPageSize / 2);
    }

    [Fact]
    public void An_archive_that_was_cached_stays_cached()
    {
        var path = Write();

        Open(path);

        var residency = PageCache.Residency(path);
        residency.ResidentBytes.Should().Be(residency.FileBytes);
    }

    [Fact]
    public void Headers_of_very_many_records_are_not_read_ahead()
    {
        var path = _folder["records.pth"];
        using (var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create))
        {
            Add(zip, "a/data.pkl", TinyPickle.File("}"));
            for (var i = 0; i < 66_000; i++) Add(zip, $"a/{i}", []);
        }

        if (!PageCache.Evict(path).IsCold) Assert.Skip("this filesystem keeps its pages");
        var reads = new CountingReads();
        using var file = SourceFile.Open(path, reads);

        ZipDirectory.Read(file).Count.Should().Be(66_001);
        reads.Count.Should().BeLessThan(20, "nothing uses the records");
    }

    public void Dispose() => _folder.Dispose();

    private static void Add(ZipArchive zip, string name, byte[] bytes)
    {
        using var record = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        record.Write(bytes);
    }

    private static void Open(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        checkpoint.Entries.Should().HaveCount(Tensors);
        // What lies in the file tells whether each header was understood.
        var bytes = new byte[1];
        foreach (var storage in checkpoint.Storages.Index().Where(s => s.Index % 100 == 0))
        {
            checkpoint.Read(storage.Item, 0, bytes);
            bytes[0].Should().Be((byte)storage.Index);
        }
    }

    private string Write()
    {
        var path = _folder["many.pth"];
        using var writer = CheckpointWriter.Create(path, CheckpointFormat.Pth,
            [.. Enumerable.Range(0, Tensors).Select(i => new TensorDeclaration($"t{i}", DType.UInt8, [TensorBytes]))]);
        var tensor = new byte[TensorBytes];
        for (var i = 0; i < Tensors; i++)
        {
            Array.Fill(tensor, (byte)i);
            writer.Write(tensor);
        }

        writer.Commit();
        return path;
    }
}
