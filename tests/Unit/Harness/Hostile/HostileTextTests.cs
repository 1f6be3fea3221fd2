using System.Text;
using System.Text.Json.Nodes;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>Results whose texts become six times as long where they are escaped, given to the built command line: little memory, and one line where it is refused.</summary>
public sealed class HostileTextTests
{
    private const int LongBytes = 30_000_000;
    private const int ShortBytes = 1000;

    [Theory]
    [InlineData("\u007f", LongBytes, 1, 2)]
    [InlineData("\u007f", ShortBytes, 30_000, 2)]
    [InlineData("\u202e", ShortBytes, 10_000, 2)]
    [InlineData("\n", ShortBytes, 30_000, 2)]
    [InlineData("\u007f", 400_000, 4, 2)]
    [InlineData("\u007f", 70_000, 4, 0)]
    [InlineData("\u202e", ShortBytes, 1500, 0)]
    [InlineData("x", ShortBytes, 30_000, 0)]
    [InlineData("'", 500_000, 60, 0)]
    public async Task Results_take_memory_that_their_length_justifies(string character, int characters, int texts, int exitCode)
    {
        using var folder = new TemporaryFolder();
        var path = folder["results.json"];
        Measured.File(Measured.Killed()).Write(path);
        var results = JsonNode.Parse(File.ReadAllText(path))!;
        results["notes"] = new JsonArray([.. Enumerable.Range(0, texts).Select(_ => JsonValue.Create("TEXT"))]);
        var text = string.Concat(Enumerable.Repeat(character, characters)).Replace("\n", "\\n");
        File.WriteAllText(path, results.ToJsonString().Replace("TEXT", text), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));

        var (code, _, error) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB + 8 * new FileInfo(path).Length, "report", path, "--results", folder["again.json"]);

        error.Should().NotContain("   at ").And.NotContain("OutOfMemory");
        code.Should().Be(exitCode, error);
        if (exitCode == 0) new FileInfo(folder["again.json"]).Length.Should().BeLessThan(7 * new FileInfo(path).Length + ByteSize.MiB);
        else error.Should().MatchRegex(@"\Aloadline: [^\n]+results\.json[^\n]+\n\z");
    }

    [Theory]
    [InlineData(false, 150_000)]
    [InlineData(true, 800)]
    public async Task So_do_cases_of_next_to_nothing_and_samples_of_zero(bool haveSamples, int cases)
    {
        using var folder = new TemporaryFolder();
        var path = folder["results.json"];
        Measured.File(Measured.Killed()).Write(path);
        var results = JsonNode.Parse(File.ReadAllText(path))!;
        results["cases"] = new JsonArray("CASE");
        var column = $"[{string.Join(',', Enumerable.Repeat("0", 2049))}]";
        string[] columns = ["milliseconds", "anonBytes", "shmemBytes", "fileBytes", "cgroupBytes", "deviceBytes", "phaseOf"];
        var timeline = haveSamples ? $$""", "timeline":{{{string.Concat(columns.Select(name => $"\"{name}\":{column},"))}}"phases":["a"]}""" : "";
        File.WriteAllText(path, results.ToJsonString().Replace("\"CASE\"", string.Join(',', Enumerable.Range(0, cases)
            .Select(i => $$"""{"name":"{{i}}","checkpoint":"","cap":"1MiB","why":"","capBytes":1048576,"outcome":"error","pass":false{{timeline}}}"""))));

        var (code, _, error) = await LoadlineProcess.RunAsync(40 * ByteSize.MiB + 6 * new FileInfo(path).Length, "report", path);

        error.Should().MatchRegex(@"\Aloadline: [^\n]+results\.json[^\n]+ than the [^\n]+ that it has are good for[^\n]*\n\z");
        code.Should().Be(2);
    }

    [Theory]
    [InlineData("'")]
    [InlineData("\u007f")]
    public async Task So_does_a_curve_of_long_words(string character)
    {
        using var folder = new TemporaryFolder();
        var path = folder["curve.json"];
        Measured.File(Measured.Killed()).Write(folder["results.json"]);
        var environment = JsonNode.Parse(File.ReadAllText(folder["results.json"]))!["environment"]!.ToJsonString();
        var words = $"{string.Concat(Enumerable.Repeat(character, 8_000))}{new string('\'', 400_000)}";
        File.WriteAllText(path, $$"""{"schema":1,"environment":{{environment}},"lines":[{{string.Join(',', Enumerable.Range(0, 60)
            .Select(i => $$"""{"name":"{{i}}","what":"{{words}}","points":[],"problem":"none"}"""))}}]}""");

        var (code, output, error) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB + 8 * new FileInfo(path).Length, "curve", "--results", path, "--json");

        (code, error).Should().Be((3, ""), "no line has an answer");
        output.Length.Should().BeInRange(60 * 400_000, (int)(3 * new FileInfo(path).Length));
    }

    [Theory]
    [InlineData("report")]
    [InlineData("compare")]
    public async Task One_case_of_a_long_name_makes_no_row_of_others_as_long(string command)
    {
        using var folder = new TemporaryFolder();
        var path = folder["results.json"];
        Measured.File([Measured.Loaded(new string('x', 500_000)), .. Enumerable.Range(0, 300).Select(i => Measured.Loaded($"{i}"))]).Write(path);

        var (_, output, error) = await LoadlineProcess.RunAsync(64 * ByteSize.MiB + 8 * new FileInfo(path).Length, command == "report" ? [command, path] : [command, path, path]);

        error.Should().NotContain("   at ");
        output.Length.Should().BeInRange(1, 1_000_000);
    }
}
