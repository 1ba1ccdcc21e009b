-- SPDX-License-Identifier: MIT
-- For wrk: what is sent to an echo server is an HTTP response, so what comes back is one. Each has a number,
-- from which its body can be computed; each has to come back once, whole and unchanged.
-- Argument close: a connection for each.

local threads = {}

local function body_of(number)
	return string.rep(number .. " ", 1 + number % 97)
end

function setup(thread)
	thread:set("judged", #threads > 0)
	table.insert(threads, thread)
end

function init(args)
	sent, right, wrong = 0, 0, 0
	outstanding = {}
	head = "HTTP/1.1 200 OK\r\n" .. (args[1] == "close" and "Connection: close\r\n" or "")
end

-- wrk looks at the first before it begins, to see whether it is a request, and does not send it.
function request()
	if not judged then
		judged = true
		return "GET / HTTP/1.1\r\n\r\n"
	end
	sent = sent + 1
	outstanding[sent] = true
	local body = body_of(sent)
	return head .. "Number: " .. sent .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
	local number = tonumber(headers["Number"])
	if status == 200 and outstanding[number] and body == body_of(number) then
		outstanding[number] = nil
		right = right + 1
	else
		wrong = wrong + 1
	end
end

function done(summary)
	local all_right, all_wrong, e = 0, 0, summary.errors
	for _, thread in ipairs(threads) do
		all_right = all_right + thread:get("right")
		all_wrong = all_wrong + thread:get("wrong")
	end
	print(string.format("%d right, %d wrong, %d errors", all_right, all_wrong,
		e.connect + e.read + e.write + e.status + e.timeout))
end
