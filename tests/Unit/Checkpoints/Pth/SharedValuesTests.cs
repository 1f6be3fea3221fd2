using Loadline.Checkpoints;
using Loadline.Checkpoints.Pickles;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>
/// A value may stand in a small pickle a million times. Each look into it is charged, so that such a file is refused; what is only long is found by an index.
/// </summary>
public sealed class SharedValuesTests
{
    private const string Shared = "h\0";

    [Fact]
    public void A_module_that_stands_half_a_million_times_is_refused() =>
        RefuseWork(Memoized(Instance("}(" + string.Concat(Enumerable.Range(0, 28).Select(i => Text($"{i}") + "N")) + Text("_parameters") + "}" + Text("_modules") + "}u")), 500_000);

    [Fact]
    public void A_module_whose_modules_are_many_is_refused_where_it_stands_a_thousand_times() =>
        RefuseWork(Memoized(Instance(Dict(Text("_parameters"), "}", Text("_modules"), "}(" + string.Concat(Enumerable.Range(0, 100_000).Select(i => $"J{Int32(i)}N")) + "u"))), 1000);

    [Fact]
    public void A_class_of_many_arguments_is_refused_where_it_stands_a_thousand_times() =>
        RefuseWork(Memoized(Global("my.code", "Many") + "(" + Repeat("K\u0001", 100_000) + "tR"), 1000);

    [Fact]
    public void A_key_of_a_thousand_numbers_is_refused_where_it_stands_five_thousand_times() =>
        RefuseWork(Memoized("}(" + "(" + Repeat("M\u0001\u0001", 1000) + "t" + "]u"), 5000);

    [Fact]
    public void A_parameter_that_says_a_thousand_times_what_it_has_is_refused_where_that_is_long_and_stands_a_thousand_times()
    {
        var (key, ones) = (new string('k', 1000), Repeat("K\u0001", 64));
        string Wide() => Call("torch._utils", "_rebuild_tensor_v2", Storage(key, 1), Int(0), Tuple(ones), Tuple(ones), "\u0089", OrderedDict);
        var state = "}(" + Repeat(Text("data") + "h\u0001", 1000) + "u";
        var parameter = Call("torch._utils", "_rebuild_parameter_with_state", "h\u0002", "\u0089", OrderedDict, "h\u0003");
        var shared = Wide() + "q\u00010" + Wide() + "q\u00020" + state + "q\u00030";
        Refusal.Of(
            TinyArchive.Of(("a/data.pkl", TinyPickle.File(shared + "](" + Repeat(parameter, 1000) + "e")), ("a/data/" + key, new byte[4])), CheckpointError.LimitExceeded, "takes more work to read");
    }

    [Fact]
    public void Of_many_attributes_one_is_found_a_thousand_times_by_an_index()
    {
        var attributes = "}(" + string.Concat(Enumerable.Range(0, 50_000).Select(i => Text($"{i}") + "N")) + Text("_parameters") + "}" + Text("_modules") + "}" + "u";
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", TinyArchive.Of(Many(Memoized(Instance(attributes)), 1000))));

        checkpoint.Metadata["999.__class__"].Should().Be("a pickled module of my.code.Net");
    }

    [Fact]
    public void The_last_of_several_values_of_a_key_is_found_among_few_and_among_many()
    {
        foreach (var others in (ReadOnlySpan<int>)[1, 500])
        {
            var dictionary = new PickleDictionary();
            for (var i = 0; i < others; i++) dictionary.Add([$"{i}", i]);
            dictionary.Add(["k", "first"]);
            dictionary.Find("k", new Ledger()).Should().Be("first");
            dictionary.Add(["k", "last"]);

            dictionary.Find("k", new Ledger()).Should().Be("last");
            dictionary.Find("x", new Ledger()).Should().BeNull();
        }
    }

    [Fact]
    public void A_call_that_gets_the_file_refused_is_charged_by_the_length_of_its_name()
    {
        var context = new PickleContext("a.pth", new Ledger());
        var callee = context.Global("operator", new string('x', 4000));

        FluentActions.Invoking(() =>
        {
            for (var i = 0; i < 100_000; i++) context.NoteCall(callee, []);
        }).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.LimitExceeded);
    }

    private static void RefuseWork(string value, int times) => Refusal.Of(TinyArchive.Of(Many(value, times)), CheckpointError.LimitExceeded, "takes more work to read");

    private static string Many(string value, int times) => "](" + value + Repeat(Shared, times - 1) + "e";

    private static string Memoized(string value) => value + "q\0";

    private static string Instance(string attributes) => Global("my.code", "Net") + ")\u0081" + attributes + "b";

    private static string Repeat(string opcodes, int count) => string.Concat(Enumerable.Repeat(opcodes, count));
}
