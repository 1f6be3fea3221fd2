using System.Text;
using Loadline.Checkpoints;
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
            .Where(e => e.Error == CheckpointError.LimitExceeded).WithMessage("*.bin: describes more values than * files of this checkpoint need, together *iB");
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
