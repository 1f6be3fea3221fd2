using System.Text.Json;

namespace Loadline.Unit.Harness.Commands;

/// <summary>On the files of tests/Fixtures, against what real PyTorch recorded in expected.json.</summary>
public sealed class InspectCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Theory]
    [MemberData(nameof(Fixtures.Readable), MemberType = typeof(Fixtures))]
    public async Task Digests_are_those_of_PyTorch(string file)
    {
        using var json = await InspectAsync(file, "--digest", "sha256");

        var tensors = json.RootElement.GetProperty("tensors").EnumerateArray().ToDictionary(
            t => t.GetProperty("name").GetString()!, t => Describe(t));
        tensors.Should().Equal(Fixtures.Expected(file).ToDictionary(t => t.Key, t => (t.Value.DType, string.Join('x', t.Value.Shape), t.Value.Sha256)));

        static (string, string, string) Describe(JsonElement t) =>
            (t.GetProperty("dtype").GetString()!, string.Join('x', t.GetProperty("shape").EnumerateArray()), t.GetProperty("sha256").GetString()!);
    }

    [Fact]
    public async Task The_members_are_the_contract()
    {
        using var json = await InspectAsync("tied.pth");

        Members(json.RootElement).Should().Equal("format", "files", "metadata", "tensors");
        var tensors = json.RootElement.GetProperty("tensors");
        Members(tensors[0]).Should().Equal("name", "dtype", "shape", "bytes", "sharesWith", "sha256");
        tensors[0].GetProperty("sharesWith").ValueKind.Should().Be(JsonValueKind.Null);
        tensors[0].GetProperty("sha256").ValueKind.Should().Be(JsonValueKind.Null);
        tensors[1].GetProperty("sharesWith").GetString().Should().Be(tensors[0].GetProperty("name").GetString());

        static IEnumerable<string> Members(JsonElement element) => element.EnumerateObject().Select(m => m.Name);
    }

    [Fact]
    public async Task The_table_counts_shared_bytes_once()
    {
        (await _loadline.RunAsync("inspect", Fixtures.Path("tied.pth"))).Should().Be(0);

        _loadline.Out.ReplaceLineEndings("\n").Should().Be("""
            tensor           dtype    shape   size  shares with
            tok_emb.weight   float32  [5, 3]  60 B
            out_head.weight  float32  [5, 3]  60 B  tok_emb.weight

            float32: 2 tensors, 120 B
            largest: tok_emb.weight, 60 B
            2 tensors, 60 B, pth, 1 file

            """);
    }

    [Fact]
    public async Task A_truncated_file_is_exit_code_2_and_one_line()
    {
        var cut = _loadline.Folder["cut.pth"];
        File.WriteAllBytes(cut, File.ReadAllBytes(Fixtures.Path("tied.pth"))[..^100]);

        (await _loadline.RunAsync("inspect", cut)).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {cut}: ").And.EndWith("\n").And.Subject.Split('\n').Should().HaveCount(2);
        _loadline.Out.Should().BeEmpty();
    }

    [Theory]
    [InlineData("inspect /nowhere/w.pth", "/nowhere/w.pth: *")]
    [InlineData("inspect w.pth --digest md5", "unknown digest 'md5': known is sha256; see `loadline inspect --help`")]
    [InlineData("doctor --json", "unknown option '--json'; see `loadline doctor --help`")]
    [InlineData("budgets --foo", "unknown option '--foo'; see `loadline budgets --help`")]
    [InlineData("inspect --jason", "unknown option '--jason': did you mean --json?; see `loadline inspect --help`")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);
        _loadline.Error.TrimEnd().Should().Match("loadline: " + problem).And.NotContain("\n");
    }

    private async Task<JsonDocument> InspectAsync(string file, params string[] options)
    {
        (await _loadline.RunAsync(["inspect", Fixtures.Path(file), "--json", .. options])).Should().Be(0);
        return JsonDocument.Parse(_loadline.Out);
    }
}
