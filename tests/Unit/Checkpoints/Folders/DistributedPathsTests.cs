using Loadline.Checkpoints;
using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using static Loadline.Unit.Checkpoints.Folders.TinyFolders;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>The ways into a state dict of a .metadata: what PyTorch's planner makes of them, and what looking at them costs.</summary>
public sealed class DistributedPathsTests : IDisposable
{
    private static readonly byte[] Vectors = Part(Vector);
    private static readonly string A = Text("a");
    private static readonly string B = Text("b");
    private static readonly string Both = Text("a.b");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_way_that_goes_on_in_a_tensor_is_refused()
    {
        Write(Dict(Both, Tuple(A, B), A, Tuple(A)), "a.b", "a");
        Refusal.Of(_folder.Path, CheckpointError.Malformed, "puts 'a.b' into 'a', which is a tensor");

        // A dot of a key's own is no step.
        Write(Dict(Both, Tuple(Both), A, Tuple(A)), "a.b", "a");
        OpenedNames().Should().Equal("a.b", "a");
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData("a.0")]
    public void What_has_no_way_is_at_the_top_and_nothing_goes_on_in_it(string inner)
    {
        var steps = inner == "a.b" ? Tuple(A, B) : Tuple(A, Int(0));
        Write(Dict(Text(inner), steps), inner, "a");
        Refusal.Of(_folder.Path, CheckpointError.Malformed, $"puts '{inner}' into 'a', which is a tensor");

        Write(Dict(Text(inner), steps), "a", inner);
        Refusal.Of(_folder.Path, CheckpointError.Malformed, $"puts '{inner}' into 'a', which is a tensor");

        Write(Dict(A, Tuple(A)), inner, "a");
        OpenedNames().Should().Equal(inner, "a");
        Write("}", inner, "a");
        OpenedNames().Should().Equal(inner, "a");
    }

    [Fact]
    public void Nobody_follows_a_way_to_what_is_not_there()
    {
        Write(Dict(Both, Tuple(A, B), A, Tuple(A), Text("c"), Tuple(A)), "a.b");

        OpenedNames().Should().Equal("a.b");
    }

    [Theory]
    [InlineData("}", true)]
    [InlineData("]", true)]
    [InlineData(")", false)]
    [InlineData("K\u0001", false)]
    [InlineData("}K\u0001K\u0002s", false)]
    [InlineData("X\u0002\0\0\0{}", false)]
    public void An_empty_value_may_lie_around_what_another_rank_put_into_it(string value, bool opens)
    {
        var part = Part(value);
        _folder.Write("a.distcp", [.. Vectors, .. part]);
        WriteDistributed(
            _folder, Text("o.s.0") + TensorMetadata(4) + Text("o.s") + Instance("BytesStorageMetadata"),
            Place("o.s.0", true, "a.distcp", 0, Vectors.Length) + Place("o.s", false, "a.distcp", Vectors.Length, part.Length),
            Dict(Text("o.s.0"), Tuple(Text("o"), Text("s"), Int(0)), Text("o.s"), Tuple(Text("o"), Text("s"))));

        if (opens)
        {
            using var checkpoint = Checkpoint.Open(_folder.Path);
            checkpoint.Entries.Single().Name.Should().Be("o.s.0");
            checkpoint.Notes.Single().Should().Be("keeps an empty value at 'o.s', and 'o.s.0' inside of it: PyTorch may put the first over the other");
        }
        else Refusal.Of(_folder.Path, CheckpointError.Unsupported, "keeps a value at 'o.s', and 'o.s.0' inside of it: load the folder by torch.distributed.checkpoint into a state dict");
    }

    [Fact]
    public void Values_that_meet_under_one_name_are_refused()
    {
        var (nested, flat) = (Part(Dict(A, Int(1))), Part(Int(3)));
        _folder.Write("a.distcp", [.. nested, .. flat]);
        WriteDistributed(
            _folder, Text("x") + Instance("BytesStorageMetadata") + Text("x.a") + Instance("BytesStorageMetadata"),
            Place("x", false, "a.distcp", 0, nested.Length) + Place("x.a", false, "a.distcp", nested.Length, flat.Length));

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "has two values that are both called 'x.a' here");
    }

    // Each way is the one before and a step more but for its last two, which change places: of dots and nothing, all these names begin with each other.
    [Theory]
    [InlineData(100)]
    [InlineData(400)]
    public void Looking_at_ways_takes_few_steps_for_each_letter(int longest)
    {
        var (paths, names) = (new PickleDictionary(), new Dictionary<string, bool>());
        for (var count = 2; count <= longest; count++)
        {
            object[] steps = [.. Enumerable.Range(0, count).Select(i => i % 2 == 0 ? "." : "")];
            if (count < longest) (steps[^1], steps[^2]) = (steps[^2], steps[^1]);
            names.Add(string.Join('.', steps), false);
            paths.Add([names.Last().Key, new PickleTuple(steps)]);
        }

        var ledger = new Ledger();
        using var file = SourceFile.Open(_folder.Write(".metadata", new byte[100]), PositionedReads.OfTheKernel, ledger);
        var before = StepsLeft(ledger);
        new DistributedPaths(file).Require(paths, names).Should().BeEmpty();
        var letters = names.Keys.Sum(name => (long)name.Length);
        var taken = before - StepsLeft(ledger);

        taken.Should().BeInRange(letters / 2, 6 * letters);
    }

    [Fact]
    public void Places_that_ways_pass_are_memory()
    {
        var names = Enumerable.Range(0, 40).ToDictionary(i => string.Join('.', Enumerable.Repeat($"{(char)('a' + i)}", 5000)), _ => false);
        var paths = new PickleDictionary();
        foreach (var name in names.Keys) paths.Add([name, new PickleTuple([.. name.Split('.')])]);
        using var file = SourceFile.Open(_folder.Write(".metadata", new byte[100]), PositionedReads.OfTheKernel, new Ledger());

        FluentActions.Invoking(() => new DistributedPaths(file).Require(paths, names)).Should().Throw<CheckpointException>().WithMessage("*describes more values than*");
    }

    // What may still be taken; it is given back.
    private static long StepsLeft(Ledger ledger)
    {
        const int step = 16;
        for (var left = 0L; ; left += step)
        {
            try
            {
                ledger.Work(step);
            }
            catch (CheckpointException)
            {
                ledger.Work(-left - step);
                return left;
            }
        }
    }

    private void Write(string paths, params string[] names)
    {
        _folder.Write("a.distcp", [.. names.SelectMany(_ => Vectors)]);
        WriteDistributed(
            _folder, string.Concat(names.Select(name => Text(name) + TensorMetadata(4))),
            string.Concat(names.Select((name, i) => Place(name, true, "a.distcp", i * Vectors.Length, Vectors.Length))), paths);
    }

    private List<string> OpenedNames()
    {
        using var checkpoint = Checkpoint.Open(_folder.Path);
        return [.. checkpoint.Entries.Select(entry => entry.Name)];
    }
}
