using Loadline.Measuring;
using Loadline.Unit.Harness;

namespace Loadline.Unit.Measuring;

public class WorkerJsonTests
{
    [Theory]
    [InlineData("loaded 413 tensors")]
    [InlineData("""{"seconds": 1.5}""")]
    [InlineData("""{"event": "finished"}""")]
    [InlineData("""{"event": "phase", "phase": 1}""")]
    [InlineData("""{"event": """)]
    [InlineData("""{}""")]
    [InlineData("""{"event": "phase"}""")]
    [InlineData("""{"event": "phase", "phase": null, "seconds": 0}""")]
    [InlineData("""{"event": "phase", "phase": "\ud800", "seconds": 0}""")]
    [InlineData("""{"event": "failed"}""")]
    [InlineData("""{"event": "holders", "holders": null}""")]
    [InlineData("""{"event": "holders", "holders": [null]}""")]
    [InlineData("""{"event": "holders", "holders": [{"memory": "host", "bytes": 1, "uses": [null], "largest": []}]}""")]
    [InlineData("""{"event": "holders", "holders": [{"memory": "host", "bytes": 1, "uses": null, "largest": []}]}""")]
    [InlineData("""{"event": "sample", "seconds": NaN, "anonBytes": 1e99, "fileBytes": 0, "shmemBytes": 0, "hostBytes": 0, "deviceBytes": 0}""")]
    public void What_another_program_writes_is_no_event(string line) => WorkerJson.TryRead(line).Should().BeNull();

    [Fact]
    public void Texts_of_an_event_cannot_steer_a_terminal_or_forge_a_line() =>
        WorkerJson.TryRead("""{"event": "phase", "phase": "\u001b[31m\n::error::forged", "seconds": 1}""")
            .Should().Be(new PhaseEvent("\\u001b[31m\\u000a::error::forged", 1));

    [Fact]
    public void A_report_without_holders_has_none()
    {
        var line = WorkerJson.Write(FakeEnd.Report(1)).Replace(",\"holders\":[]", "", StringComparison.Ordinal);

        line.Should().NotContain("holders");
        WorkerJson.TryRead(line).Should().BeOfType<LoadReport>().Which.Holders.Should().BeEmpty();
    }

    [Fact]
    public void An_event_is_read_as_it_was_written()
    {
        var phase = new PhaseEvent("read", 0.5);

        WorkerJson.TryRead(WorkerJson.Write(phase)).Should().Be(phase);
    }
}
