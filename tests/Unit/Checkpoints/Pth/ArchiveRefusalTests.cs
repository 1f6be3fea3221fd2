using System.IO.Compression;
using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

public sealed class ArchiveRefusalTests
{
    private static readonly byte[] Sound = TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1])));
    private static readonly byte[] End = [0x50, 0x4b, 5, 6];
    private static readonly byte[] DirectoryRecord = [0x50, 0x4b, 1, 2];
    private static readonly byte[] LocalHeader = [0x50, 0x4b, 3, 4];

    [Fact]
    public void The_archive_that_the_others_are_made_from_is_read()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", Sound));
        checkpoint.Entries.Should().ContainSingle().Which.Name.Should().Be("w");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(22)]
    [InlineData(100)]
    public void A_truncated_file_is_refused(int missing) => Refusal.Of(Sound.AsSpan(..^missing), CheckpointError.Truncated, "cut short");

    [Theory]
    [InlineData("a/data.pkl", "a/DATA.PKL")]
    [InlineData("a/data/k", "a/data/K")]
    [InlineData("a/data/K", "a/Data/k")]
    [InlineData("a/x", "A/data.pkl")]
    public void Two_records_that_PyTorch_takes_for_each_other_are_refused(string one, string other) => Refusal.Of(
        TinyArchive.Of(("a/data.pkl", File("}")), (one == "a/data.pkl" ? "a/y" : one, []), (other, File("cos\nsystem\n"))), CheckpointError.Malformed, other == "A/data.pkl" ? "the same folder to PyTorch" : "lower case");

    [Fact]
    public void But_not_the_sources_of_classes_and_not_names_that_stand_alone()
    {
        using var folder = new TemporaryFolder();
        var bytes = TinyArchive.Of(("A/data.pkl", File("}")), ("A/code/Net.py", []), ("A/code/net.py", []), ("A/Other", []));
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", bytes));
        checkpoint.Entries.Should().BeEmpty();
    }

    // Others look for a tar first, of which the first member may be called so.
    [Fact]
    public void One_that_begins_as_an_archive_without_records_is_refused() =>
        Refusal.Of([.. "PK\u0005\u0006x"u8, .. new byte[508], .. Sound], CheckpointError.UnknownFormat, "begins as a zip archive without a record");

    [Fact]
    public void Much_in_the_file_that_inflates_to_little_is_refused() =>
        Refusal.Of(TinyArchive.WithDeflated([.. Blocks(200), 1, 16, 0, 0xef, 0xff, .. new byte[16]], bytes: 16, "N"), CheckpointError.Malformed, "record 'data/0' declares 16 bytes, 1021 of them in the file");

    [Fact]
    public void What_lies_in_a_record_of_many_empty_blocks_counts_by_what_is_in_the_file()
    {
        var views = string.Concat(Enumerable.Range(0, 16_000).Select(i => Text($"{i}") + Tensor("h\0", 16_383 - i, [1], [1])));
        var pickle = Storage("0", 16_384, "ByteStorage") + "q\00}(" + views + "u";

        Refusal.Of(TinyArchive.WithDeflated([.. Blocks(600), 1, 0, 64, 0xff, 0xbf, .. new byte[16_384]], bytes: 16_384, pickle), CheckpointError.Unsupported, "inflated more than 4 times");
    }

    // Each time it is inflated from the start, its blocks' codes are made, however few bytes they take.
    [Fact]
    public void What_lies_in_a_short_record_counts_by_the_blocks_that_it_may_have()
    {
        var views = string.Concat(Enumerable.Range(0, 34_000).Select(i => Text($"{i}") + Tensor("h\0", 1199, [1], [1])));
        var pickle = Storage("0", 1200, "ByteStorage") + "q\00}(" + views + "u";

        Refusal.Of(TinyArchive.WithDeflated([1, 0xb0, 4, 0x4f, 0xfb, .. new byte[1200]], bytes: 1200, pickle), CheckpointError.Unsupported, "inflated more than 4 times");
    }

    // Its elements lie in another order than its rows: each piece of it has all of the record inflated.
    [Theory]
    [InlineData(2048, true)]
    [InlineData(16384, false)]
    public void A_transposed_matrix_in_a_deflated_record_is_read_where_it_is_small(int rows, bool isRead)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var pickle = zip.CreateEntry("a/data.pkl", CompressionLevel.NoCompression).Open())
                pickle.Write(File("}" + Text("w") + Tensor(Storage("0", rows * 4096, "ByteStorage"), 0, [4096, rows], [1, 4096]) + "s"));
            using var record = zip.CreateEntry("a/data/0", CompressionLevel.Fastest).Open();
            record.Write(new byte[rows * 4096]);
        }

        if (!isRead) Refusal.Of(stream.ToArray(), CheckpointError.Unsupported, "inflated more than 4 times");
        else
        {
            using var folder = new TemporaryFolder();
            using var checkpoint = Checkpoint.Open(folder.Write("a.pth", stream.ToArray()));
            checkpoint.Entries.Should().ContainSingle();
        }
    }

    // Its rows lie among each other, further apart than a window: each element is looked for from the start.
    [Fact]
    public void Rows_among_each_other_in_a_deflated_record_are_refused()
    {
        const int bytes = 64 << 20;
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var pickle = zip.CreateEntry("a/data.pkl", CompressionLevel.NoCompression).Open())
                pickle.Write(File("}" + Text("w") + Tensor(Storage("0", bytes, "ByteStorage"), 0, [900, 16], [70_002, 70_001]) + "s"));
            using var record = zip.CreateEntry("a/data/0", CompressionLevel.Fastest).Open();
            record.Write(new byte[bytes]);
        }

        Refusal.Of(stream.ToArray(), CheckpointError.Unsupported, "inflated more than 4 times");
    }

    // As many are read in turn as are kept in progress; of one more, each starts over at each turn.
    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public void Records_that_are_read_in_turn_start_over_where_they_are_many(int records, bool isFew)
    {
        const int bytes = 16 << 20;
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            var views =
                from turn in Enumerable.Range(0, 40)
                from key in Enumerable.Range(0, records)
                select Text($"{turn}.{key}") + Tensor(Storage($"{key}", bytes, "ByteStorage"), bytes - 40 + turn, [1], [1]);
            using (var pickle = zip.CreateEntry("a/data.pkl", CompressionLevel.NoCompression).Open()) pickle.Write(File("}(" + string.Concat(views) + "u"));
            for (var key = 0; key < records; key++)
            {
                using var record = zip.CreateEntry($"a/data/{key}", CompressionLevel.Fastest).Open();
                record.Write(new byte[bytes]);
            }
        }

        if (!isFew) Refusal.Of(stream.ToArray(), CheckpointError.Unsupported, "inflated more than 4 times");
        else
        {
            using var folder = new TemporaryFolder();
            using var checkpoint = Checkpoint.Open(folder.Write("a.pth", stream.ToArray()));
            checkpoint.Entries.Should().HaveCount(40 * records);
        }
    }

    [Fact]
    public void Bytes_behind_the_end_are_refused() => Refusal.Of([.. Sound, 0], CheckpointError.Truncated, "no zip directory at its end");

    [Fact]
    public void A_directory_beyond_the_end_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, End, 16, 0xff, 0xff, 0xff, 0x7f), CheckpointError.Malformed, "reaches beyond its end record");

    [Fact]
    public void A_directory_that_ends_inside_a_record_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 28, 0xff, 0xff), CheckpointError.Malformed, "ends inside a record");

    [Fact]
    public void More_records_than_the_directory_can_hold_are_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, End, 10, 0xfe, 0xff), CheckpointError.Malformed, "declares 65534 records");

    [Fact]
    public void A_directory_without_headers_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 0, 0), CheckpointError.Malformed, "record 1 of the zip directory");

    [Fact]
    public void A_record_without_a_header_of_its_own_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, LocalHeader, 0, 0), CheckpointError.Malformed, "'data/0' has no header");

    [Fact]
    public void A_record_that_reaches_into_the_directory_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, LocalHeader, 28, 0xff, 0xff), CheckpointError.Malformed, "'data/0' of 16 bytes", "reaches into the zip directory");

    [Fact]
    public void A_record_whose_stored_lengths_differ_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 20, 17), CheckpointError.Malformed, "record 'data/0'", "cannot be");

    [Fact]
    public void A_record_beyond_the_end_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 42, 0xff, 0xff, 0xff, 0x7f), CheckpointError.Malformed, "record 'data/0'");

    [Fact]
    public void An_encrypted_record_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 8, 1), CheckpointError.Unsupported, "'data/0' is encrypted");

    [Fact]
    public void A_record_of_an_unknown_compression_is_refused() =>
        // LZMA; the same lengths would be refused for a stored record only.
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 10, 14), CheckpointError.Unsupported, "'data/0' is compressed by method 14");

    [Fact]
    public void A_deflated_record_that_claims_more_than_deflate_can_do_is_refused() =>
        Refusal.Of(TinyArchive.Patch(Sound, DirectoryRecord, 10, [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 1]), CheckpointError.Malformed, "'data/0' declares");

    [Fact]
    public void Two_records_of_one_name_are_refused() =>
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File("N")), ("a/data.pkl", File("N"))), CheckpointError.Malformed, "two records are named 'data.pkl'");

    [Fact]
    public void Records_that_overlap_are_refused()
    {
        var two = TinyArchive.Of(
            ("a/data.pkl", File(Dict(Text("v"), Tensor(Storage("0", 4), 0, [4], [1]), Text("w"), Tensor(Storage("1", 4), 0, [4], [1])))),
            ("a/data/0", new byte[16]), ("a/data/1", new byte[16]));
        var first = two.AsSpan().LastIndexOf("PK\x01\x02a/data/0"u8) + two.AsSpan().IndexOf("a/data/0"u8) - 30 + 1;
        Refusal.Of(TinyArchive.Patch(two, DirectoryRecord, 42, BitConverter.GetBytes(first)), CheckpointError.Malformed, "'data/0' and 'data/1' overlap");
    }

    [Fact]
    public void A_zip_of_something_else_is_refused() =>
        Refusal.Of(TinyArchive.Of(("photos/1.jpg", new byte[4])), CheckpointError.UnknownFormat, "no data.pkl");

    [Fact]
    public void An_empty_zip_is_refused() => Refusal.Of(TinyArchive.Of(), CheckpointError.UnknownFormat, "no data.pkl");

    [Fact]
    public void A_TorchScript_archive_of_the_first_kind_is_refused() =>
        Refusal.Of(TinyArchive.Of(("a/model.json", "{}"u8.ToArray())), CheckpointError.Unsupported, "TorchScript", "before 1.4");

    [Theory]
    [InlineData("11", CheckpointError.Unsupported)]
    [InlineData("0", CheckpointError.Malformed)]
    [InlineData("three", CheckpointError.Malformed)]
    public void A_version_that_nobody_wrote_is_refused(string version, CheckpointError error) =>
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File("N")), ("a/version", System.Text.Encoding.ASCII.GetBytes(version))), error, "version");

    [Theory]
    [InlineData("big", CheckpointError.Unsupported)]
    [InlineData("middle", CheckpointError.Malformed)]
    public void A_byte_order_that_is_not_little_is_refused(string order, CheckpointError error) =>
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File("N")), ("a/byteorder", System.Text.Encoding.ASCII.GetBytes(order))), error, "byteorder");

    [Fact]
    public void A_note_that_is_a_book_is_refused() =>
        Refusal.Of(TinyArchive.Of(("a/data.pkl", File("N")), ("a/byteorder", new byte[65])), CheckpointError.LimitExceeded, "'byteorder' has 65 bytes");

    [Fact]
    public void A_deflated_pickle_that_would_inflate_to_a_bomb_is_refused()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var record = zip.CreateEntry("a/data.pkl", CompressionLevel.SmallestSize).Open();
            record.Write(new byte[33 << 20]);
        }

        Refusal.Of(stream.ToArray(), CheckpointError.LimitExceeded, "'data.pkl' has 34603008 bytes");
    }

    [Fact]
    public void A_damaged_deflated_pickle_is_refused()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var record = zip.CreateEntry("a/data.pkl", CompressionLevel.SmallestSize).Open();
            record.Write(File(Text(string.Concat(Enumerable.Range(0, 300)))));
        }

        var damaged = stream.ToArray();
        damaged.AsSpan(60, 40).Fill(0xff);
        Refusal.Of(damaged, CheckpointError.Malformed, "compressed record");
    }

    private static byte[] Blocks(int count) => [.. Enumerable.Repeat((byte[])[0, 0, 0, 0xff, 0xff], count).SelectMany(block => block)];
}
