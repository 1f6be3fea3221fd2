using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Unit.Harness;
using Loadline.Unit.Harness.Runtimes.Docker;

namespace Loadline.Unit.Faults;

/// <summary>A container Engine that goes away, or falls silent, at any step of <c>loadline run</c>.</summary>
public sealed class EngineGoneTests : IDisposable
{
    private const string Budgets = """
        {
          "checkpoints": { "m": { "model": "gpt2-medium" } },
          "cases": [
            { "name": "first", "checkpoint": "m", "strategy": "mmap-assign", "device": "cpu", "cap": "64MiB", "expect": "loaded", "why": "w" },
            { "name": "second", "checkpoint": "m", "strategy": "mmap-assign", "device": "cpu", "cap": "64MiB", "expect": "loaded", "why": "w" }
          ]
        }
        """;

    private readonly FakeHarness _loadline = new();

    /// <summary>Every request of a run, in its order.</summary>
    public static TheoryData<string> Requests =>
    [
        "GET /version", "GET /info", "GET /containers/json", "GET /images/loadline-worker", "POST /images/create", "GET /images/json", "POST /containers/create",
        "POST /containers/c0ffee/attach", "POST /containers/c0ffee/start", "POST /containers/c0ffee/wait", "GET /containers/c0ffee/json", "GET /events",
        "DELETE /containers/c0ffee",
    ];

    public void Dispose() => _loadline.Dispose();

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task An_engine_that_is_gone_at_a_request_is_one_line_and_exit_code_3(string request)
    {
        await using var engine = new StandInEngine { GoneAt = request, State = Killed };

        (await RunAsync(engine)).Should().Be(3);

        engine.Requests.Should().Contain(r => Regex.Replace(r, "/v[0-9.]+", "").StartsWith(request, StringComparison.Ordinal), "a run asks for it");
        ShouldSayOneLine();
        File.Exists(Results).Should().BeFalse("nothing was measured");
        await TheNextRunWorksAsync();
    }

    [Fact]
    public async Task An_engine_that_is_gone_while_the_program_runs_is_one_line_and_exit_code_3()
    {
        await using var engine = new StandInEngine { RunsForever = true, IsGoneAfterOutput = true, Output = [.. Loaded.Take(2)] };

        (await RunAsync(engine)).Should().Be(3);

        ShouldSayOneLine();
        await TheNextRunWorksAsync();
    }

    [Fact]
    public async Task What_was_measured_before_the_engine_went_is_kept_and_says_that_it_is_not_all()
    {
        await using var engine = new StandInEngine { GoneAt = "POST /containers/create", GoneAfter = 1, Output = Loaded };

        (await RunAsync(engine)).Should().Be(3);

        var results = ResultFile.Read(Results);
        results.Cases.Should().ContainSingle().Which.Should().BeEquivalentTo(new { Name = "first", Pass = true });
        results.Incomplete.Should().StartWith("docker: ");
        await TheNextRunWorksAsync();
    }

    [Theory]
    [InlineData("GET /info")]
    [InlineData("POST /containers/create")]
    [InlineData("POST /containers/c0ffee/start")]
    [InlineData("GET /containers/c0ffee/json")]
    [InlineData("DELETE /containers/c0ffee")]
    public async Task An_engine_that_does_not_answer_is_not_waited_for_without_end(string request)
    {
        await using var engine = new StandInEngine { SilentAt = request };

        (await RunAsync(engine, patience: TimeSpan.FromMilliseconds(300))).Should().Be(3);

        _loadline.Error.Should().Contain("did not answer within").And.EndWith("restart it\n");
    }

    // Not by the flag: so the event is asked for, too.
    private const string Killed = """{"OOMKilled":false,"ExitCode":137,"StartedAt":"2026-11-01T00:00:00Z","FinishedAt":"2026-11-01T00:00:01Z"}""";

    private static IReadOnlyList<byte[]> Loaded => [.. FakeEnd.Loaded(9).Lines.Select(Frame)];

    private string Results => _loadline.Folder["results.json"];

    private Task<int> RunAsync(StandInEngine engine, TimeSpan? patience = null)
    {
        var budgets = _loadline.Folder["budgets.json"];
        File.WriteAllText(budgets, Budgets);
        // The worker's image is made on the way.
        engine.Answers["POST /images/create"] = (200, "{}");
        engine.Answers["GET /images/json"] = (200, "[]");
        _loadline.OpenRuntime = async cancellation =>
            await DockerRuntime.ConnectAsync("/bin/sh", engine.Address, cancellation, patience);
        return _loadline.RunAsync("run", "--budgets", budgets, "--results", Results);
    }

    private void ShouldSayOneLine() => _loadline.Error.Should().MatchRegex(@"\Aloadline: docker: [^\n]+\n\z").And.NotContain("internal error");

    private async Task TheNextRunWorksAsync()
    {
        await using var engine = new StandInEngine { Output = Loaded };

        (await RunAsync(engine)).Should().Be(0);

        ResultFile.Read(Results).Should().Match<ResultFile>(r => r.Incomplete == null && r.Cases.Count == 2);
    }

    private static byte[] Frame(string line)
    {
        var payload = Encoding.UTF8.GetBytes(line + "\n");
        byte[] frame = [1, 0, 0, 0, 0, 0, 0, 0, .. payload];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), payload.Length);
        return frame;
    }
}
