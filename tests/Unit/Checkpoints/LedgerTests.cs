using System.Text;
using Loadline.Checkpoints;
using Loadline.Unit.Checkpoints.Legacy;
using Loadline.Unit.Checkpoints.Pth;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints;

/// <summary>What opening may cost is measured against all files of a checkpoint together.</summary>
public sealed class LedgerTests : IDisposable
{
    private const string Index = "pytorch_model.bin.index.json";

    // A byte each in the file, and some two hundred as a value.
    private const int EmptyDictionaries = 50_000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Many_shards_that_describe_much_have_what_is_free_but_once()
    {
        WriteShards(count: 40, EmptyDictionaries);

        Checkpoint.Open(_folder["0.bin"]).Dispose();
        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>()
            .Where(e => e.Error == CheckpointError.LimitExceeded).WithMessage("*.bin: describes more values than the descriptions in * files of this checkpoint need, together *iB");
    }

    [Fact]
    public void Weights_and_holes_are_no_reason_for_work()
    {
        // Each list holds the one before ten times.
        var lists = "]q\0" + string.Concat(Enumerable.Range(1, 20).Select(i => $"]q{(char)i}(" + string.Concat(Enumerable.Repeat($"h{(char)(i - 1)}", 10)) + "e0")) + "h\u0014";
        var file = TinyLegacy.Of($"({TinyLegacy.OneTensor(TinyLegacy.Storage(count: 1 << 28))}{lists}t", "](" + Text("0") + "e", Int64(1 << 28));
        var path = _folder.Write("a.pth", file);
        using (var handle = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.Write)) RandomAccess.SetLength(handle, file.Length + (1L << 30));

        FluentActions.Invoking(() => Checkpoint.Open(path)).Should().Throw<CheckpointException>()
            .Where(e => e.Error == CheckpointError.LimitExceeded).WithMessage("*than its descriptions need, * KiB");
    }

    [Fact]
    public void What_is_read_again_and_again_buys_no_more_than_the_file_has()
    {
        var ledger = new Ledger();
        ledger.Add("a", fileBytes: 1000);
        for (var i = 0; i < 1000; i++) ledger.Read(1000);
        ledger.Charge((32 << 20) + 6000);

        FluentActions.Invoking(() => ledger.Charge(1)).Should().Throw<CheckpointException>().WithMessage("*describes more values than its descriptions need, 1000 B");
    }

    [Fact]
    public void A_file_by_many_names_counts_once()
    {
        var path = _folder.Write("a", new byte[1000]);
        System.IO.File.CreateSymbolicLink(_folder["b"], path);
        var ledger = new Ledger();
        foreach (var name in (string[])["a", "b", "b"]) ledger.Add(_folder[name], 1000);
        ledger.Read(3000);
        ledger.Charge((32 << 20) + 6000);

        FluentActions.Invoking(() => ledger.Charge(1)).Should().Throw<CheckpointException>().WithMessage("*together 1000 B");
    }

    [Fact]
    public void Thousands_of_small_honest_files_open()
    {
        var tensor = TinyArchive.Of(Tensor(Storage("0", 4), 0, [4], [1]));
        for (var i = 0; i < 3000; i++) _folder.Write($"t{i}.pt", tensor);
        using var checkpoint = Checkpoint.Open(_folder.Path);

        checkpoint.Entries.Should().HaveCount(3000);
    }

    private void WriteShards(int count, int dictionaries)
    {
        var much = "](" + new string('}', dictionaries) + "e";
        for (var i = 0; i < count; i++) _folder.Write($"{i}.bin", TinyArchive.Of(Dict(Text($"t{i}"), Tensor(Storage("0", 4), 0, [4], [1]), Text("much"), much)));
        var map = string.Join(',', Enumerable.Range(0, count).Select(i => $"\"t{i}\":\"{i}.bin\""));
        _folder.Write(Index, Encoding.UTF8.GetBytes($"{{\"weight_map\":{{{map}}}}}"));
    }
}
